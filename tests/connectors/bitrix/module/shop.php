<?php

// A shop of one buyer that does what the tests say: a command a line in, an answer a line out.
// Calls of the network go the same way, as {"call": [address, headers, body]}, and the next line in
// is what the hub said: {"status", "text"}, or null where it did not answer.

use Loyaltyhub\Shop\Site\Desk;
use Loyaltyhub\Shop\Site\Queue;
use Loyaltyhub\Shop\Site\QueueTable;
use Loyaltyhub\Shop\Site\Shopper;

require __DIR__ . '/bootstrap.php';
set_error_handler(function (int $level, string $text, string $file, int $line): never {
    throw new ErrorException($text, 0, $level, $file, $line);
});

function say(mixed $what): void
{
    fwrite(STDOUT, json_encode($what, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR) . "\n");
}

function hear(): mixed
{
    $line = fgets(STDIN);
    $line === false && exit(0);
    return json_decode($line, true, 64, JSON_THROW_ON_ERROR);
}

function network(string $url, array $headers, string $body): array|false
{
    say(['call' => [$url, $headers, $body]]);
    $answer = hear();
    return $answer === null ? false : [$answer['status'], $answer['text']];
}

$basket = [];
while (true) {
    $told = hear();
    $order = Site::$orders[$told['id'] ?? 0] ?? null;
    $answer = match ($told['do']) {
        'open' => (function () use ($told): ?array {
            Site::open($told['options']);
            Shopfloor::install();
            Site::$network = 'network';
            return null;
        })(),
        'user' => $GLOBALS['USER'] = new FakeUser($told['id']),
        'phone' => Shopper::keepPhone($told['phone']),
        'basket' => (function () use ($told, &$basket): array {
            $basket = Shopfloor::calculate(Shopfloor::order($told['lines'], ['PRICE_DELIVERY' => $told['delivery'] ?? 0]));
            return array_values($basket['BASKET_ITEMS']);
        })(),
        'points' => Desk::points($told['typed']),
        'code' => Desk::addCode($told['code']),
        'send_code' => Desk::sendCode(),
        'confirm' => Desk::confirm($told['code']),
        'told' => Desk::told(),
        'place' => (function () use ($told, &$basket): float {
            return Shopfloor::place($basket, $told['id'], $told['roles'] ?? [], $told['at'], $told['delivery'] ?? 0)->getPrice();
        })(),
        'pay' => Shopfloor::pay($order, $told['at']),
        'give_back' => Shopfloor::giveBack($order, $told['at']),
        'quantity' => Shopfloor::setQuantity($order, $told['line'], $told['quantity']),
        'cancel' => Shopfloor::cancel($order),
        'delete' => Shopfloor::delete($order),
        'reconcile' => Queue::reconcile(),
        'seen' => (new LoyaltyhubBalanceComponent())->seenAction($told['product']),
        'agree' => $_COOKIE['LOYALTYHUB_CONSENT'] = 'Y',
        'next_basket' => $_SESSION = [],
        'end_page' => Site::endPage(),
        'agent' => (function (): array {
            foreach (QueueTable::getList(['filter' => ['=STATUS' => QueueTable::WAITS]])->fetchAll() as $row) {
                QueueTable::update($row['ID'], ['NEXT_TRY' => time()]);
            }
            Site::$options['loyaltyhub.shop']['s1']['away_until'] = '0';
            Queue::run();
            return array_column(QueueTable::getList()->fetchAll(), 'STATUS');
        })(),
    };
    say(['done' => is_object($answer) ? null : $answer]);
}
