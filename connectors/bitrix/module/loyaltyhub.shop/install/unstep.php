<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Localization\Loc;

Loc::loadMessages(__FILE__);
?>
<p><?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_UNSTEP')) ?></p>
