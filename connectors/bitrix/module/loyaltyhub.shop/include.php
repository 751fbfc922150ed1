<?php

// SPDX-License-Identifier: MIT

// Cheap on purpose: it runs on each page, so that the cart rule finds its class.  Named one by one,
// so that disks that tell capital letters apart find them too.
\Bitrix\Main\Loader::registerAutoLoadClasses('loyaltyhub.shop', [
    'Loyaltyhub\\Shop\\Core\\Backoff' => 'lib/core/backoff.php',
    'Loyaltyhub\\Shop\\Core\\Basket' => 'lib/core/basket.php',
    'Loyaltyhub\\Shop\\Core\\Checkout' => 'lib/core/checkout.php',
    'Loyaltyhub\\Shop\\Core\\Hub' => 'lib/core/hub.php',
    'Loyaltyhub\\Shop\\Core\\Line' => 'lib/core/line.php',
    'Loyaltyhub\\Shop\\Core\\Money' => 'lib/core/money.php',
    'Loyaltyhub\\Shop\\Core\\Prices' => 'lib/core/prices.php',
    'Loyaltyhub\\Shop\\Core\\Reply' => 'lib/core/reply.php',
    'Loyaltyhub\\Shop\\Core\\Rule' => 'lib/core/rule.php',
    'Loyaltyhub\\Shop\\Core\\Signer' => 'lib/core/signer.php',
    'Loyaltyhub\\Shop\\Core\\Snapshot' => 'lib/core/snapshot.php',
    'Loyaltyhub\\Shop\\Site\\Desk' => 'lib/site/desk.php',
    'Loyaltyhub\\Shop\\Site\\Events' => 'lib/site/events.php',
    'Loyaltyhub\\Shop\\Site\\Journal' => 'lib/site/journal.php',
    'Loyaltyhub\\Shop\\Site\\Options' => 'lib/site/options.php',
    'Loyaltyhub\\Shop\\Site\\OrderReader' => 'lib/site/orderreader.php',
    'Loyaltyhub\\Shop\\Site\\OrderTable' => 'lib/site/ordertable.php',
    'Loyaltyhub\\Shop\\Site\\Queue' => 'lib/site/queue.php',
    'Loyaltyhub\\Shop\\Site\\QueueTable' => 'lib/site/queuetable.php',
    'Loyaltyhub\\Shop\\Site\\RuleAction' => 'lib/site/ruleaction.php',
    'Loyaltyhub\\Shop\\Site\\Shopper' => 'lib/site/shopper.php',
    'Loyaltyhub\\Shop\\Site\\Trial' => 'lib/site/trial.php',
    'Loyaltyhub\\Shop\\Site\\Transport' => 'lib/site/transport.php',
    'Loyaltyhub\\Shop\\Site\\Visits' => 'lib/site/visits.php',
]);
