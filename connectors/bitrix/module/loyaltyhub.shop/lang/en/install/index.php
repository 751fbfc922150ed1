<?php

$MESS['LOYALTYHUB_SHOP_NAME'] = 'Loyalty hub: discounts and points';
$MESS['LOYALTYHUB_SHOP_DESCRIPTION'] = 'Discounts and points of your own loyalty programme in the basket; orders, payments and refunds are told to the hub';
$MESS['LOYALTYHUB_SHOP_PARTNER'] = 'Loyalty Hub';
$MESS['LOYALTYHUB_SHOP_INSTALLED'] = 'The module is installed';
$MESS['LOYALTYHUB_SHOP_UNINSTALLED'] = 'The module is removed';
