<?php

$MESS['LOYALTYHUB_SHOP_RULE'] = 'Применить скидки и баллы хаба лояльности';
