<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Loyaltyhub\Shop\Core\Basket;
use Loyaltyhub\Shop\Core\Line;

/**
 * What the balance component does and shows.  Who asks is told by the server's own session alone,
 * never by the page.
 */
final class Desk
{
    /** What there is to show, without a call where the basket was asked about already. */
    public static function told(): array
    {
        $basket = self::basket();
        return Shopper::with(function ($checkout) use ($basket): array {
            $prices = $checkout->prices($basket);
            return [
                'known' => ($prices?->member()['verified'] ?? false) === true,
                'balance' => $prices?->balance === null ? null : $prices->balance / 100,
                'tier' => $prices?->member()['tier']['name'] ?? null,
                'earn' => $prices === null ? null : $prices->points['earn'] / 100,
                'spent' => $prices === null ? null : $prices->points['spend'] / 100,
                'most' => $prices === null ? null : $prices->points['spend_max'] / 100,
                'wish' => $checkout->spend(),
                'codes' => self::codes($checkout->codes(), $prices?->codes() ?? []),
                'needs_code' => $checkout->trouble() === 'code_required' || ($prices?->codeRequired ?? false),
                'trouble' => $checkout->trouble(),
            ];
        });
    }

    public static function points(string $typed): array
    {
        $isRead = Shopper::with(fn($checkout) => $checkout->choose($typed));
        return ['is_read' => $isRead] + self::told();
    }

    public static function addCode(string $code): array
    {
        Shopper::with(fn($checkout) => $checkout->addCode($code));
        return self::told();
    }

    public static function dropCode(string $code): array
    {
        Shopper::with(fn($checkout) => $checkout->dropCode($code));
        return self::told();
    }

    public static function sendCode(): array
    {
        $basket = self::basket();
        $reply = Shopper::with(fn($checkout) => $checkout->sendCode($basket));
        return ['sent' => $reply->isOk(), 'channel' => $reply->body['channel'] ?? null, 'trouble' => $reply->code()];
    }

    public static function confirm(string $code): array
    {
        Shopper::with(fn($checkout) => $checkout->confirm($code));
        return self::told();
    }

    /** The buyer's basket; where it is empty, one line that costs nothing, to learn the balance. */
    private static function basket(): Basket
    {
        $basket = Shopper::basket();
        return $basket->canBeAsked() ? $basket : Shopper::basketOf([new Line('none', 0, 1000)], $basket->currency);
    }

    private static function codes(array $typed, array $told): array
    {
        return array_map(fn(string $code) => ['code' => $code, 'why' => $told[$code] ?? null], $typed);
    }
}
