<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Entity\DataManager;

/**
 * What the module knows of an order: the number of its last snapshot, and the note of its checkout.
 */
final class OrderTable extends DataManager
{
    public static function getTableName(): string
    {
        return 'b_loyaltyhub_order';
    }

    public static function getMap(): array
    {
        return [
            'ORDER_ID' => ['data_type' => 'integer', 'primary' => true],
            'SEQ' => ['data_type' => 'string', 'required' => true],
            'NOTE' => ['data_type' => 'text'],
        ];
    }

    public static function note(int $order): ?array
    {
        $row = self::row($order);
        $note = $row === null ? null : json_decode((string) $row['NOTE'], true);
        return is_array($note) ? $note : null;
    }

    public static function keepNote(int $order, array $note): void
    {
        self::put($order, ['NOTE' => json_encode($note, JSON_UNESCAPED_UNICODE)]);
    }

    public static function seq(int $order): int
    {
        return (int) (self::row($order)['SEQ'] ?? 0);
    }

    public static function keepSeq(int $order, int $seq): void
    {
        self::put($order, ['SEQ' => (string) $seq]);
    }

    private static function row(int $order): ?array
    {
        $row = self::getList(['filter' => ['=ORDER_ID' => $order], 'limit' => 1])->fetch();
        return is_array($row) ? $row : null;
    }

    private static function put(int $order, array $fields): void
    {
        if (self::row($order) === null) {
            self::add(['ORDER_ID' => $order] + $fields + ['SEQ' => '0', 'NOTE' => '']);
        } else {
            self::update($order, $fields);
        }
    }
}
