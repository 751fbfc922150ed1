<?php

$MESS['LOYALTYHUB_SHOP_RULE_NAME'] = 'Хаб лояльности';
$MESS['LOYALTYHUB_SHOP_AWAY'] = 'Хаб не отвечает за пять секунд. Верен ли адрес, и доступен ли он с этого сервера?';
$MESS['LOYALTYHUB_SHOP_PRICES'] = 'Хаб считает корзины.';
$MESS['LOYALTYHUB_SHOP_PRICES_NOT'] = 'Хаб не считает корзины: проверьте ключ и код магазина.';
$MESS['LOYALTYHUB_SHOP_NO_CONNECTION'] = 'Подключение не указано: покупатели неизвестны хабу, и заказы ему не передаются.';
$MESS['LOYALTYHUB_SHOP_ORDERS'] = 'Хаб принимает заказы.';
$MESS['LOYALTYHUB_SHOP_ORDERS_NOT'] = 'Хаб не принимает заказы: подключение или секрет не те, что в хабе.';
$MESS['LOYALTYHUB_SHOP_RIVAL'] = 'Правило «#NAME#» прекращает применение следующих: скидки хаба после него не применяются.';
