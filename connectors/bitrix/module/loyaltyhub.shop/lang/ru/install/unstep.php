<?php

$MESS['LOYALTYHUB_SHOP_UNSTEP'] = 'Правила корзины модуля удалены. Таблицы b_loyaltyhub_order и b_loyaltyhub_queue остались: в них обещанное с заказами и то, что ещё не передано.';
