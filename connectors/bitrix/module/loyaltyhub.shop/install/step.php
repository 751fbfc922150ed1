<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Localization\Loc;

Loc::loadMessages(__FILE__);
?>
<p><?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_STEP')) ?></p>
<p><a href="settings.php?mid=loyaltyhub.shop&amp;lang=<?= LANGUAGE_ID ?>"><?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_SETTINGS')) ?></a></p>
