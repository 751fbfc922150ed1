<?php

$MESS['LOYALTYHUB_SHOP_RULE'] = 'Apply discounts and points of the loyalty hub';
