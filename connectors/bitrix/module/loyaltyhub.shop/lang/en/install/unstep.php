<?php

$MESS['LOYALTYHUB_SHOP_UNSTEP'] = 'The cart rules of the module are removed. The tables b_loyaltyhub_order and b_loyaltyhub_queue stay: they hold what was promised with orders, and what was not told yet.';
