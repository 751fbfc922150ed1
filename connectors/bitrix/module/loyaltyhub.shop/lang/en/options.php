<?php

$MESS['LOYALTYHUB_SHOP_TAB'] = 'Settings';
$MESS['LOYALTYHUB_SHOP_TITLE'] = 'Site';
$MESS['LOYALTYHUB_SHOP_ACTIVE'] = 'Ask the hub, and tell it of orders';
$MESS['LOYALTYHUB_SHOP_URL'] = 'Address of the hub';
$MESS['LOYALTYHUB_SHOP_KEY'] = 'API key (checkout, events)';
$MESS['LOYALTYHUB_SHOP_CONNECTION'] = 'Connection (i_...)';
$MESS['LOYALTYHUB_SHOP_SECRET'] = 'Secret of the connection';
$MESS['LOYALTYHUB_SHOP_SHOP'] = 'Code of the shop in the hub';
$MESS['LOYALTYHUB_SHOP_PHONE_CODE'] = 'Code of the order property with the phone';
$MESS['LOYALTYHUB_SHOP_EVENTS'] = 'Tell views and baskets of buyers who agreed';
$MESS['LOYALTYHUB_SHOP_CONSENT_COOKIE'] = 'Cookie of the consent';
$MESS['LOYALTYHUB_SHOP_CONSENT_VALUE'] = 'Its value where they agreed';
$MESS['LOYALTYHUB_SHOP_KEPT'] = 'kept; empty: leave it';
$MESS['LOYALTYHUB_SHOP_SAVED'] = 'Saved';
$MESS['LOYALTYHUB_SHOP_WAITS'] = 'Waits (N) or was refused (F)';
$MESS['LOYALTYHUB_SHOP_SAVE'] = 'Save';
$MESS['LOYALTYHUB_SHOP_TEST'] = 'Save and test the connection';
$MESS['LOYALTYHUB_SHOP_AGAIN'] = 'Send again what was refused';
$MESS['LOYALTYHUB_SHOP_SHOW'] = 'Show';
