<?php

$MESS['LOYALTYHUB_BALANCE_BALANCE'] = 'Ваши баллы:';
$MESS['LOYALTYHUB_BALANCE_EARN'] = 'Начислим за заказ:';
$MESS['LOYALTYHUB_BALANCE_SPENT'] = 'Списываем:';
$MESS['LOYALTYHUB_BALANCE_SPEND'] = 'Списать баллы';
$MESS['LOYALTYHUB_BALANCE_MAX'] = 'Списать все';
$MESS['LOYALTYHUB_BALANCE_CODE'] = 'Промокод';
$MESS['LOYALTYHUB_BALANCE_SEND'] = 'Прислать код';
$MESS['LOYALTYHUB_BALANCE_CONFIRM'] = 'Код из сообщения';
$MESS['LOYALTYHUB_BALANCE_AWAY'] = 'Баллы сейчас недоступны, цены без них';
