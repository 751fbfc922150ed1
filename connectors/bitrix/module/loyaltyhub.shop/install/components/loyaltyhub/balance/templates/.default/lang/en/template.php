<?php

$MESS['LOYALTYHUB_BALANCE_BALANCE'] = 'Your points:';
$MESS['LOYALTYHUB_BALANCE_EARN'] = 'This order brings:';
$MESS['LOYALTYHUB_BALANCE_SPENT'] = 'We take:';
$MESS['LOYALTYHUB_BALANCE_SPEND'] = 'Spend points';
$MESS['LOYALTYHUB_BALANCE_MAX'] = 'Spend all';
$MESS['LOYALTYHUB_BALANCE_CODE'] = 'Promo code';
$MESS['LOYALTYHUB_BALANCE_SEND'] = 'Send a code';
$MESS['LOYALTYHUB_BALANCE_CONFIRM'] = 'Code from the message';
$MESS['LOYALTYHUB_BALANCE_AWAY'] = 'Points are not available now; prices are without them';
