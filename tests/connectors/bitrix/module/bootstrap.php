<?php

// Loads the module over the stand-ins.

define('MODULE', dirname(__DIR__, 4) . '/connectors/bitrix/module/loyaltyhub.shop');
define('SITE_ID', 's1');
define('LANGUAGE_ID', 'ru');
define('B_PROLOG_INCLUDED', true);
date_default_timezone_set('Europe/Moscow');
ini_set('error_log', '/dev/null');
$_SERVER['DOCUMENT_ROOT'] = '/site';
require __DIR__ . '/fakes_site.php';
require __DIR__ . '/fakes_main.php';
require __DIR__ . '/fakes_tables.php';
require __DIR__ . '/fakes_sale.php';
require __DIR__ . '/shopfloor.php';
require MODULE . '/include.php';
require MODULE . '/install/index.php';
require MODULE . '/install/components/loyaltyhub/balance/class.php';
