<?php

$MESS['LOYALTYHUB_SHOP_RULE_NAME'] = 'Loyalty hub';
$MESS['LOYALTYHUB_SHOP_AWAY'] = 'The hub does not answer within five seconds. Is the address right, and can this server reach it?';
$MESS['LOYALTYHUB_SHOP_PRICES'] = 'The hub prices baskets.';
$MESS['LOYALTYHUB_SHOP_PRICES_NOT'] = 'The hub does not price baskets: check key and shop.';
$MESS['LOYALTYHUB_SHOP_NO_CONNECTION'] = 'The connection is missing: buyers are strangers to the hub, and it is told of no orders.';
$MESS['LOYALTYHUB_SHOP_ORDERS'] = 'The hub takes orders.';
$MESS['LOYALTYHUB_SHOP_ORDERS_NOT'] = 'The hub does not take orders: connection or secret differ from what the hub has.';
$MESS['LOYALTYHUB_SHOP_RIVAL'] = 'The rule "#NAME#" stops all later ones: after it the hub is not asked.';
