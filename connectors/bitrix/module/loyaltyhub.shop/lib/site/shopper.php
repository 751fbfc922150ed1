<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Loyaltyhub\Shop\Core\Basket;
use Loyaltyhub\Shop\Core\Checkout;
use Loyaltyhub\Shop\Core\Line;

/**
 * The buyer of this page: who it is, and the checkout that stands in the session.
 */
final class Shopper
{
    private const SESSION = 'LOYALTYHUB';

    public static function site(): string
    {
        return defined('SITE_ID') ? (string) SITE_ID : '';
    }

    /** The account that is logged in; 0 for a guest. */
    public static function account(): int
    {
        global $USER;
        return is_object($USER) ? (int) $USER->GetID() : 0;
    }

    /** Does something with the checkout and keeps what became of it, whatever happens. */
    public static function with(callable $work): mixed
    {
        $state = self::kept('state');
        $checkout = new Checkout(Transport::forBuyers(self::site()), is_array($state) ? $state : [], 'time');
        try {
            return $work($checkout);
        } finally {
            self::keep(['state' => $checkout->state()]);
        }
    }

    public static function phone(): ?string
    {
        $phone = self::kept('phone');
        return is_string($phone) && $phone !== '' ? $phone : null;
    }

    public static function keepPhone(?string $phone): void
    {
        self::keep(['phone' => $phone]);
    }

    /** The basket that was calculated last on this site by this buyer. */
    public static function basket(): Basket
    {
        $told = self::kept('lines');
        $lines = array_map(fn(array $one) => new Line(...$one), is_array($told) ? $told : []);
        return self::basketOf($lines, (string) (self::kept('currency') ?? 'RUB'));
    }

    /** @param Line[] $lines */
    public static function keepLines(array $lines, string $currency): void
    {
        $told = array_map(
            fn(Line $one) => [$one->ref, $one->unit, $one->milli, $one->productId, $one->xmlId, $one->discountable],
            $lines
        );
        self::keep(['lines' => $told, 'currency' => $currency]);
    }

    /** @param Line[] $lines */
    public static function basketOf(array $lines, string $currency): Basket
    {
        $site = self::site();
        $system = Options::system($site);
        $account = self::account();
        return new Basket(
            $lines,
            $currency === 'RUR' ? 'RUB' : $currency,
            Options::get('shop', $site) ?: null,
            $account > 0 && $system !== null ? ['system' => $system, 'id' => (string) $account] : null,
            self::phone(),
            defined('LANGUAGE_ID') && LANGUAGE_ID === 'en' ? 'en' : 'ru'
        );
    }

    private static function kept(string $name): mixed
    {
        return $_SESSION[self::SESSION][self::site()][$name] ?? null;
    }

    /** The session may be an object of Bitrix's: what stands inside is never written in place. */
    private static function keep(array $values): void
    {
        $all = $_SESSION[self::SESSION] ?? [];
        $all[self::site()] = $values + ($all[self::site()] ?? []);
        $_SESSION[self::SESSION] = $all;
    }
}
