<?php

$MESS['LOYALTYHUB_SHOP_STEP'] = 'Осталось указать адрес хаба, ключ, подключение и секрет.';
$MESS['LOYALTYHUB_SHOP_SETTINGS'] = 'Открыть настройки';
