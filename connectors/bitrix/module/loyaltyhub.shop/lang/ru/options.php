<?php

$MESS['LOYALTYHUB_SHOP_TAB'] = 'Настройки';
$MESS['LOYALTYHUB_SHOP_TITLE'] = 'Сайт';
$MESS['LOYALTYHUB_SHOP_ACTIVE'] = 'Спрашивать хаб и передавать ему заказы';
$MESS['LOYALTYHUB_SHOP_URL'] = 'Адрес хаба';
$MESS['LOYALTYHUB_SHOP_KEY'] = 'Ключ API (checkout, events)';
$MESS['LOYALTYHUB_SHOP_CONNECTION'] = 'Подключение (i_...)';
$MESS['LOYALTYHUB_SHOP_SECRET'] = 'Секрет подключения';
$MESS['LOYALTYHUB_SHOP_SHOP'] = 'Код магазина в хабе';
$MESS['LOYALTYHUB_SHOP_PHONE_CODE'] = 'Код свойства заказа с телефоном';
$MESS['LOYALTYHUB_SHOP_EVENTS'] = 'Передавать просмотры и корзины согласившихся покупателей';
$MESS['LOYALTYHUB_SHOP_CONSENT_COOKIE'] = 'Cookie согласия';
$MESS['LOYALTYHUB_SHOP_CONSENT_VALUE'] = 'Её значение при согласии';
$MESS['LOYALTYHUB_SHOP_KEPT'] = 'сохранён; пусто — не менять';
$MESS['LOYALTYHUB_SHOP_SAVED'] = 'Сохранено';
$MESS['LOYALTYHUB_SHOP_WAITS'] = 'Ждёт отправки (N) или отвергнуто (F)';
$MESS['LOYALTYHUB_SHOP_SAVE'] = 'Сохранить';
$MESS['LOYALTYHUB_SHOP_TEST'] = 'Сохранить и проверить связь';
$MESS['LOYALTYHUB_SHOP_AGAIN'] = 'Отправить отвергнутое ещё раз';
$MESS['LOYALTYHUB_SHOP_SHOW'] = 'Показать';
