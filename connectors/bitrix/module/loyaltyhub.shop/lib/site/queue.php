<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Loader;
use Bitrix\Sale\Order;
use Loyaltyhub\Shop\Core\Backoff;
use Loyaltyhub\Shop\Core\Reply;
use Loyaltyhub\Shop\Core\Signer;
use Loyaltyhub\Shop\Core\Snapshot;

/**
 * The way of changes to the hub.  A change only marks its order; what the order is then is read when
 * it is sent, so a later change replaces an earlier one that still waits.
 */
final class Queue
{
    public const AGENT = '\\Loyaltyhub\\Shop\\Site\\Queue::run();';
    public const NIGHTLY = '\\Loyaltyhub\\Shop\\Site\\Queue::reconcile();';
    public const ORDER = 'order';
    public const EVENT = 'event';
    private const ROWS = 50;
    private const SECONDS = 20;
    private const NIGHTLY_DAYS = 3;
    private const PAGE = 200;
    private const LEASE = 120;
    /** What was refused is shown so long on the settings page. */
    private const REFUSED_DAYS = 42;

    public static function mark(int $order, string $site, string $trigger): void
    {
        $row = self::waiting($order);
        if ($row !== null) {
            $triggers = array_unique(array_filter([...explode(',', (string) $row['TRIGGERS']), $trigger]));
            QueueTable::update($row['ID'], ['TRIGGERS' => mb_substr(implode(',', $triggers), 0, 250), 'NEXT_TRY' => time()]);
        }
        // It may have left meanwhile, with the order as it was before; one that leaves from here on
        // reads the order as it is.
        if ($row === null || self::waiting($order) === null) {
            self::put($site, self::ORDER, $order, '', $trigger);
        }
    }

    private static function waiting(int $order): ?array
    {
        $row = QueueTable::getList([
            'filter' => ['=KIND' => self::ORDER, '=ORDER_ID' => $order, '=STATUS' => QueueTable::WAITS, '=BODY' => ''],
            'limit' => 1,
        ])->fetch();
        return is_array($row) ? $row : null;
    }

    /** A message that cannot be made later: an order that is being deleted, a visit. */
    public static function put(string $site, string $kind, int $order, string $body, string $trigger = ''): void
    {
        QueueTable::add([
            'SITE_ID' => $site, 'KIND' => $kind, 'ORDER_ID' => $order, 'TRIGGERS' => $trigger, 'BODY' => $body,
            'STATUS' => QueueTable::WAITS, 'TRIES' => 0, 'NEXT_TRY' => time(), 'LAST_ERROR' => '',
        ]);
    }

    /** Who it was is told by number alone: this body lies in the table. */
    public static function deleted(array $order, string $site): void
    {
        $order['buyer'] = ['user_id' => $order['buyer']['user_id']];
        $id = (int) $order['order']['id'];
        $seq = self::draw($id);
        $snapshot = Snapshot::of($order, OrderTable::note($id), $seq, ['OnSaleOrderDeleted'], Options::version());
        self::put($site, self::ORDER, $id, Signer::encode($snapshot));
    }

    /** The agent: it must give its own name, or it is never called again. */
    public static function run(): string
    {
        try {
            self::drain();
        } catch (\Throwable $error) {
            Journal::note($error);
        }
        return self::AGENT;
    }

    public static function drain(): void
    {
        if (!Loader::includeModule('sale')) {
            return;
        }
        $until = time() + self::SECONDS;
        $rows = QueueTable::getList([
            'filter' => ['<=NEXT_TRY' => time()],
            'order' => ['ID' => 'ASC'],
            'limit' => self::ROWS,
        ]);
        while (time() < $until && is_array($row = $rows->fetch()) && self::send($row)) {
            continue;
        }
    }

    /** Once a night: events do not tell of everything, as of what was changed in the database. */
    public static function reconcile(): string
    {
        try {
            if (Loader::includeModule('sale')) {
                self::markRecent();
            }
        } catch (\Throwable $error) {
            Journal::note($error);
        }
        return self::NIGHTLY;
    }

    private static function markRecent(): void
    {
        $from = \Bitrix\Main\Type\DateTime::createFromTimestamp(time() - self::NIGHTLY_DAYS * 86400);
        $last = 0;
        do {
            $page = Order::getList([
                'select' => ['ID', 'LID'],
                'filter' => ['>=DATE_UPDATE' => $from, '>ID' => $last],
                'order' => ['ID' => 'ASC'],
                'limit' => self::PAGE,
            ])->fetchAll();
            foreach ($page as $row) {
                $last = (int) $row['ID'];
                if (Options::isOn((string) $row['LID'])) {
                    self::mark($last, (string) $row['LID'], 'reconcile');
                }
            }
        } while (count($page) === self::PAGE);
    }

    /** Whether the hub answered at all: if not, the others would wait as long for nothing. */
    private static function send(array $row): bool
    {
        if ($row['STATUS'] === QueueTable::REFUSED) {
            QueueTable::delete($row['ID']);
            return true;
        }
        $site = (string) $row['SITE_ID'];
        // From here on a change of the order makes a row of its own.
        QueueTable::update($row['ID'], ['STATUS' => QueueTable::LEAVES, 'NEXT_TRY' => time() + self::LEASE]);
        try {
            $body = (string) $row['BODY'] !== '' ? (string) $row['BODY'] : self::snapshot($row);
            $reply = $body === null ? new Reply(200) : self::tell($site, (string) $row['KIND'], $body);
        } catch (\Throwable $error) {
            Journal::note($error);
            $reply = new Reply(0);
        }
        if ($reply->isOk()) {
            QueueTable::delete($row['ID']);
            return true;
        }
        $tries = (int) $row['TRIES'] + 1;
        $pause = Backoff::isFinal($reply->status) ? null : Backoff::pause($tries);
        QueueTable::update($row['ID'], [
            'TRIES' => $tries,
            'STATUS' => $pause === null ? QueueTable::REFUSED : QueueTable::WAITS,
            'NEXT_TRY' => time() + ($pause ?? self::REFUSED_DAYS * 86400),
            'LAST_ERROR' => mb_substr(trim($reply->status . ' ' . $reply->code()), 0, 250),
        ]);
        return $reply->status !== 0;
    }

    private static function tell(string $site, string $kind, string $body): Reply
    {
        $hub = Transport::forWork($site);
        if ($kind === self::EVENT) {
            return $hub->call('/events', json_decode($body, true, 64, JSON_THROW_ON_ERROR));
        }
        return $hub->tell(Options::get('connection', $site), Options::get('secret', $site), $body);
    }

    /** Null where the order is no more: its deletion is told by a message of its own. */
    private static function snapshot(array $row): ?string
    {
        $id = (int) $row['ORDER_ID'];
        $seq = self::draw($id);
        $order = Order::load($id);
        if ($order === null) {
            return null;
        }
        $triggers = array_values(array_filter(explode(',', (string) $row['TRIGGERS'])));
        return Signer::encode(Snapshot::of(OrderReader::read($order), OrderTable::note($id), $seq, $triggers, Options::version()));
    }

    /** Before the order is read: of two snapshots the one that was read later has the larger. */
    private static function draw(int $order): int
    {
        $seq = Snapshot::next(microtime(true), OrderTable::seq($order));
        OrderTable::keepSeq($order, $seq);
        return $seq;
    }
}
