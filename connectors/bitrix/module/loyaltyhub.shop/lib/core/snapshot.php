<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * An order as it stands, for the hub (`connectors/bitrix/schemas.py`).
 */
final class Snapshot
{
    public const TYPE = 'order.snapshot';

    /**
     * The message.
     *
     * @param array      $order    What a reader found: `order`, `buyer`, `items`, `payments`.
     * @param array|null $note     As `Checkout::note()` gave it when the order was made.
     * @param int        $seq      Drawn before the order was read.
     * @param string[]   $triggers Why it is told, for whoever looks at the delivery.
     */
    public static function of(array $order, ?array $note, int $seq, array $triggers, string $version): array
    {
        $site = (string) $order['site_id'];
        return [
            'schema' => 1,
            'type' => self::TYPE,
            'event_id' => $site . '-' . $order['order']['id'] . '-' . $seq,
            'seq' => $seq,
            'triggers' => $triggers,
            'module' => ['version' => $version, 'php' => PHP_VERSION],
            'site_id' => $site,
            'order' => self::order($order['order']),
            'buyer' => $order['buyer'],
            'items' => array_map(fn(array $one) => self::item($one, $note), self::counted($order['items'])),
            'payments' => array_map(fn(array $one) => self::payment($one), $order['payments']),
            'loyalty' => $note === null ? (object) [] : [
                'cart' => $note['cart'],
                'hold' => $note['hold'],
                'points_spent' => $note['points'],
                'spend' => $note['spend'],
                'coupons' => $note['coupons'],
            ],
        ];
    }

    /**
     * The number of a snapshot: milliseconds, but always above the last one of the same order, so
     * that a clock that was set back, or a module that was installed anew, hides nothing.
     */
    public static function next(float $seconds, int $last): int
    {
        return max((int) floor($seconds * 1000), $last + 1);
    }

    /** The parts of a set stand beside it and cost nothing more: their money is the set's. */
    private static function counted(array $items): array
    {
        return array_values(array_filter($items, fn(array $one) => !self::isPart($one)));
    }

    public static function isPart(array $item): bool
    {
        $parent = (int) ($item['set_parent_id'] ?? 0);
        return $parent > 0 && $parent !== (int) ($item['id'] ?? 0);
    }

    private static function order(array $told): array
    {
        $sums = ['price', 'price_delivery'];
        foreach ($sums as $name) {
            $told[$name] = Money::write(max(0, Money::ofShop($told[$name])));
        }
        return $told;
    }

    private static function item(array $told, ?array $note): array
    {
        $noted = $note['lines'][$told['ref']] ?? null;
        return [
            'ref' => $told['ref'],
            'product_id' => $told['product_id'],
            'product_xml_id' => $told['product_xml_id'],
            'name' => $told['name'] === null ? null : mb_substr($told['name'], 0, 500),
            'quantity' => Money::writeMilli(max(0, Money::milli($told['quantity']))),
            'base_price' => Money::write(Money::ofShop($told['base_price'])),
            'price' => Money::write(max(0, Money::ofShop($told['price']))),
            'exact_price' => Money::writeExact(max(0, (float) $told['price'])),
            'custom_price' => $told['custom_price'],
            'vat_rate' => $told['vat_rate'] === null ? null : (string) round((float) $told['vat_rate'], 4),
            'vat_included' => $told['vat_included'],
            'hub' => $noted === null ? null : [
                'before' => $noted['before'],
                'quantity' => $noted['quantity'],
                'discount' => $noted['discount'],
                'spend' => $noted['spend'],
            ],
        ];
    }

    private static function payment(array $told): array
    {
        return ['sum' => Money::write(max(0, Money::ofShop($told['sum'])))] + $told;
    }
}
