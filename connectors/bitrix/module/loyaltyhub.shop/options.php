<?php

// SPDX-License-Identifier: MIT

use Bitrix\Main\Loader;
use Bitrix\Main\Localization\Loc;
use Loyaltyhub\Shop\Site\Options;
use Loyaltyhub\Shop\Site\QueueTable;
use Loyaltyhub\Shop\Site\Trial;

if (!defined('B_PROLOG_INCLUDED') || B_PROLOG_INCLUDED !== true) {
    die();
}
global $USER, $APPLICATION;
if (!$USER->IsAdmin() || !Loader::includeModule('loyaltyhub.shop') || !Loader::includeModule('sale')) {
    return;
}
Loc::loadMessages(__FILE__);

$site = preg_replace('/[^0-9A-Za-z]/', '', (string) ($_REQUEST['site'] ?? 's1'));
$lines = [];
if ($_SERVER['REQUEST_METHOD'] === 'POST' && check_bitrix_sessid()) {
    foreach (Options::ALL as $name => $default) {
        $given = isset($_POST[$name]) && is_string($_POST[$name]) ? trim($_POST[$name]) : '';
        $isBox = in_array($name, ['active', 'events'], true);
        if ($given !== '' || !in_array($name, Options::SECRETS, true)) {
            Options::set($name, $isBox ? ($given === 'Y' ? 'Y' : 'N') : $given, $site);
        }
    }
    Trial::keepRule($site);
    if (isset($_POST['again'])) {
        $refused = QueueTable::getList(['filter' => ['=STATUS' => QueueTable::REFUSED, '=SITE_ID' => $site]])->fetchAll();
        foreach ($refused as $row) {
            QueueTable::update($row['ID'], ['STATUS' => QueueTable::WAITS, 'TRIES' => 0, 'NEXT_TRY' => time()]);
        }
    }
    $lines = isset($_POST['test']) ? Trial::test($site) : [[true, Loc::getMessage('LOYALTYHUB_SHOP_SAVED')]];
}
$waiting = QueueTable::getList(['filter' => ['=SITE_ID' => $site], 'order' => ['ID' => 'ASC'], 'limit' => 20])->fetchAll();

$tabs = new CAdminTabControl('loyaltyhub', [[
    'DIV' => 'main',
    'TAB' => Loc::getMessage('LOYALTYHUB_SHOP_TAB'),
    'TITLE' => Loc::getMessage('LOYALTYHUB_SHOP_TITLE') . ' ' . $site,
]]);
foreach ($lines as [$isWell, $line]) {
    echo '<p style="color:' . ($isWell ? 'green' : 'red') . '">' . htmlspecialcharsbx($line) . '</p>';
}
?>
<form method="get">
<input type="hidden" name="mid" value="loyaltyhub.shop">
<input type="hidden" name="lang" value="<?= LANGUAGE_ID ?>">
<?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_TITLE')) ?>
<input type="text" name="site" value="<?= $site ?>" size="4">
<input type="submit" value="<?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_SHOW')) ?>">
</form>
<form method="post" action="<?= htmlspecialcharsbx($APPLICATION->GetCurPage()) ?>?mid=loyaltyhub.shop&amp;lang=<?= LANGUAGE_ID ?>&amp;site=<?= $site ?>">
<?= bitrix_sessid_post() ?>
<?php
$tabs->Begin();
$tabs->BeginNextTab();
foreach (Options::ALL as $name => $default) {
    $isBox = in_array($name, ['active', 'events'], true);
    $isSecret = in_array($name, Options::SECRETS, true);
    $value = $isSecret ? '' : Options::get($name, $site);
    echo '<tr><td width="40%">' . htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_' . strtoupper($name))) . '</td><td>';
    if ($isBox) {
        echo '<input type="checkbox" name="' . $name . '" value="Y"' . ($value === 'Y' ? ' checked' : '') . '>';
    } else {
        $hint = $isSecret && Options::get($name, $site) !== '' ? Loc::getMessage('LOYALTYHUB_SHOP_KEPT') : '';
        echo '<input type="' . ($isSecret ? 'password' : 'text') . '" size="50" name="' . $name . '" value="'
            . htmlspecialcharsbx($value) . '" placeholder="' . htmlspecialcharsbx($hint) . '" autocomplete="off">';
    }
    echo '</td></tr>';
}
foreach ($waiting as $row) {
    $line = $row['KIND'] . ' ' . $row['ORDER_ID'] . ' ' . $row['STATUS'] . ' ' . $row['TRIES'] . ' ' . $row['LAST_ERROR'];
    echo '<tr><td>' . htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_WAITS')) . '</td><td>' . htmlspecialcharsbx($line) . '</td></tr>';
}
$tabs->Buttons();
?>
<input type="submit" name="save" value="<?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_SAVE')) ?>" class="adm-btn-save">
<input type="submit" name="test" value="<?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_TEST')) ?>">
<input type="submit" name="again" value="<?= htmlspecialcharsbx(Loc::getMessage('LOYALTYHUB_SHOP_AGAIN')) ?>">
<?php $tabs->End(); ?>
</form>
