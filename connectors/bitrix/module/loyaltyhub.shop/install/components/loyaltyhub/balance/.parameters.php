<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Localization\Loc;

Loc::loadMessages(__FILE__);

$arComponentParameters = [
    'PARAMETERS' => [
        'PRODUCT_ID' => [
            'PARENT' => 'BASE',
            'NAME' => Loc::getMessage('LOYALTYHUB_BALANCE_PRODUCT'),
            'TYPE' => 'STRING',
            'DEFAULT' => '',
        ],
    ],
];
