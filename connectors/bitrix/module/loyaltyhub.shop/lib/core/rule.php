<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * The arithmetic of the cart rule over Bitrix's own array of an order: reads lines, lowers prices.
 *
 * Of the array only ID, PRICE and DISCOUNT_PRICE of lines are sure to be there; whatever else is
 * missing makes the line, or the whole basket, one that is not asked about.
 */
final class Rule
{
    /**
     * Goods alone: nothing is taken off the delivery, and one that changes is no other question.
     *
     * @param array $seen What else is known of lines, by ref: fields that the array may lack.
     * @return Line[]|null Null: the quantity of a line is not told, so nothing is asked.
     */
    public static function lines(array $order, array $seen = []): ?array
    {
        $lines = [];
        foreach ($order['BASKET_ITEMS'] ?? [] as $code => $item) {
            $item += $seen[self::ref($item, $code)] ?? [];
            if (!self::isBought($item)) {
                continue;
            }
            if (!isset($item['QUANTITY'], $item['PRICE'])) {
                return null;
            }
            $lines[] = new Line(
                self::ref($item, $code),
                max(0, Money::unitOf($item['PRICE'])),
                max(0, Money::milli($item['QUANTITY'])),
                isset($item['PRODUCT_ID']) ? (int) $item['PRODUCT_ID'] : null,
                isset($item['PRODUCT_XML_ID']) ? (string) $item['PRODUCT_XML_ID'] : null,
                // Saving a line that has no row yet changes its ref, and no note would be found for it.
                (int) ($item['ID'] ?? 0) > 0
                    && ($item['CUSTOM_PRICE'] ?? 'N') !== 'Y' && ($item['VAT_INCLUDED'] ?? 'Y') !== 'N'
            );
        }
        return $lines;
    }

    /**
     * Lowers the prices of a basket to what the hub answered.
     *
     * @return string[] Refs of the lines that cost less by it.
     */
    public static function applyPrices(array &$order, Prices $prices): array
    {
        return self::lower($order, fn(string $ref) => $prices->lines[$ref]['unit'] ?? null);
    }

    /**
     * Of an order that was made before: what was promised then, for as many pieces.  A line that has
     * more of them costs what the shop asks, or the points of one would be taken for each.
     *
     * @param array $seen As for `lines`.
     */
    public static function applyNote(array &$order, array $note, array $seen = []): void
    {
        self::lower($order, function (string $ref, array $item) use ($note, $seen): ?int {
            $noted = $note['lines'][$ref] ?? null;
            $quantity = $item['QUANTITY'] ?? $seen[$ref]['QUANTITY'] ?? null;
            $isMore = $quantity !== null && Money::milli($quantity) > Money::milli($noted['quantity'] ?? 0);
            return $noted === null || $isMore ? null : Money::read($noted['unit']);
        });
    }

    /** @return string[] */
    private static function lower(array &$order, callable $unitOf): array
    {
        $lowered = [];
        foreach ($order['BASKET_ITEMS'] as $code => &$item) {
            $unit = self::isBought($item) && ($item['CUSTOM_PRICE'] ?? 'N') !== 'Y' ? $unitOf(self::ref($item, $code), $item) : null;
            $old = (float) ($item['PRICE'] ?? 0);
            if ($unit === null || $unit >= Money::unitOf($old)) {
                continue;
            }
            // BASE_PRICE = PRICE + DISCOUNT_PRICE must stay exact, or fiscal receipts fail.
            $item['DISCOUNT_PRICE'] = round((float) ($item['DISCOUNT_PRICE'] ?? 0) + $old - $unit / 100, 4);
            $item['PRICE'] = round($unit / 100, 2);
            $lowered[] = self::ref($item, $code);
        }
        return $lowered;
    }

    private static function isBought(array $item): bool
    {
        return ($item['DELAY'] ?? 'N') !== 'Y' && ($item['CAN_BUY'] ?? 'Y') !== 'N'
            && !Snapshot::isPart(['id' => $item['ID'] ?? 0, 'set_parent_id' => $item['SET_PARENT_ID'] ?? 0]);
    }

    /** The row's id, which stays when the basket becomes an order; before it is saved, its code. */
    private static function ref(array $item, int|string $code): string
    {
        return (string) ((int) ($item['ID'] ?? 0) ?: $code);
    }
}
