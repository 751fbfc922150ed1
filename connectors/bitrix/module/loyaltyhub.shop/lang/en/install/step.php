<?php

$MESS['LOYALTYHUB_SHOP_STEP'] = 'What is left: the address of the hub, key, connection and secret.';
$MESS['LOYALTYHUB_SHOP_SETTINGS'] = 'Open the settings';
