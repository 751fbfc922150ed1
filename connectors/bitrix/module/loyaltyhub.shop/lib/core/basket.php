<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * What the hub is asked about: lines, shop and buyer.
 */
final class Basket
{
    public const MOST_LINES = 500;

    /** @var array<string, Line> */
    public readonly array $lines;

    /**
     * @param Line[]      $lines
     * @param string|null $shop    Code of the shop in the hub.
     * @param array|null  $account `{"system", "id"}` of the buyer who is logged in.
     * @param string|null $phone   As typed; nobody vouches for it.
     */
    public function __construct(
        array $lines,
        public readonly string $currency,
        public readonly ?string $shop,
        public readonly ?array $account,
        public readonly ?string $phone,
        public readonly string $locale = 'ru'
    ) {
        $this->lines = array_column(array_map(fn(Line $one) => [$one->ref, $one], $lines), 1, 0);
    }

    public function canBeAsked(): bool
    {
        $bought = array_filter($this->lines, fn(Line $one) => $one->milli > 0);
        return $bought !== [] && count($bought) === count($this->lines) && count($bought) <= self::MOST_LINES;
    }

    /** The body of a quote or a hold (`docs/http-contract.md`, Checkout). */
    public function body(?array $member, ?string $spend, array $codes, string $cart): array
    {
        return [
            'shop' => $this->shop,
            'channel' => 'online',
            'currency' => $this->currency,
            'cart' => $cart,
            'member' => $member,
            'lines' => array_map(fn(Line $one) => $one->body(), array_values($this->lines)),
            'coupons' => array_values($codes),
            'spend' => $member === null ? null : $spend,
            'line_prices' => 'unit',
            'locale' => $this->locale,
            'explain' => 'short',
        ];
    }
}
