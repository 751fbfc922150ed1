<?php

$MESS['LOYALTYHUB_BALANCE_NAME'] = 'Points of the buyer';
$MESS['LOYALTYHUB_BALANCE_DESCRIPTION'] = 'Balance, points to spend and codes of the loyalty hub';
