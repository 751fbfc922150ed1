<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Localization\Loc;

Loc::loadMessages(__FILE__);

$arComponentDescription = [
    'NAME' => Loc::getMessage('LOYALTYHUB_BALANCE_NAME'),
    'DESCRIPTION' => Loc::getMessage('LOYALTYHUB_BALANCE_DESCRIPTION'),
    'PATH' => ['ID' => 'e-store'],
];
