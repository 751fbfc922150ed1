<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Entity\DataManager;

/**
 * What the hub is to be told: an order that changed (`BODY` is made when it is sent), or a message.
 */
final class QueueTable extends DataManager
{
    public const WAITS = 'N';
    /** Somebody sends it; who dies over it leaves it to others when `NEXT_TRY` is over. */
    public const LEAVES = 'S';
    /** Deleted when `NEXT_TRY` is over. */
    public const REFUSED = 'F';

    public static function getTableName(): string
    {
        return 'b_loyaltyhub_queue';
    }

    public static function getMap(): array
    {
        return [
            'ID' => ['data_type' => 'integer', 'primary' => true, 'autocomplete' => true],
            'SITE_ID' => ['data_type' => 'string', 'required' => true],
            'KIND' => ['data_type' => 'string', 'required' => true],
            'ORDER_ID' => ['data_type' => 'integer', 'required' => true],
            'TRIGGERS' => ['data_type' => 'string'],
            'BODY' => ['data_type' => 'text'],
            'STATUS' => ['data_type' => 'string', 'required' => true],
            'TRIES' => ['data_type' => 'integer', 'required' => true],
            'NEXT_TRY' => ['data_type' => 'integer', 'required' => true],
            'LAST_ERROR' => ['data_type' => 'string'],
        ];
    }
}
