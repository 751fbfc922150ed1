<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Localization\Loc;

if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
Loc::loadMessages(__FILE__);

$texts = [];
foreach (['BALANCE', 'EARN', 'SPENT', 'SPEND', 'MAX', 'CODE', 'SEND', 'CONFIRM', 'AWAY'] as $name) {
    $texts[strtolower($name)] = Loc::getMessage('LOYALTYHUB_BALANCE_' . $name);
}
?>
<div class="loyaltyhub-balance" data-texts="<?= htmlspecialcharsbx(json_encode($texts, JSON_UNESCAPED_UNICODE)) ?>"
    data-product="<?= (int) ($arParams['PRODUCT_ID'] ?? 0) ?>"></div>
