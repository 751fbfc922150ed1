<?php

$MESS['LOYALTYHUB_BALANCE_PRODUCT'] = 'Id of the article on its page';
