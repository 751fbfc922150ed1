<?php

$MESS['LOYALTYHUB_BALANCE_PRODUCT'] = 'Id товара на его странице';
