<?php

$MESS['LOYALTYHUB_SHOP_NAME'] = 'Хаб лояльности: скидки и баллы';
$MESS['LOYALTYHUB_SHOP_DESCRIPTION'] = 'Скидки и баллы своей программы лояльности в корзине; заказы, оплаты и возвраты передаются в хаб';
$MESS['LOYALTYHUB_SHOP_PARTNER'] = 'Loyalty Hub';
$MESS['LOYALTYHUB_SHOP_INSTALLED'] = 'Модуль установлен';
$MESS['LOYALTYHUB_SHOP_UNINSTALLED'] = 'Модуль удалён';
