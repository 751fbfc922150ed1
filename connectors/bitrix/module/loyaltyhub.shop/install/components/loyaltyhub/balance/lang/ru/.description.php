<?php

$MESS['LOYALTYHUB_BALANCE_NAME'] = 'Баллы покупателя';
$MESS['LOYALTYHUB_BALANCE_DESCRIPTION'] = 'Баланс, списание баллов и промокоды хаба лояльности';
