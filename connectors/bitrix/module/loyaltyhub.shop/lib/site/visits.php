<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Loyaltyhub\Shop\Core\Signer;

/**
 * Storefront events: what an account looked at and put into the basket.  Only where the owner has
 * switched them on and the visitor has agreed: the site's own banner sets the cookie that is named in
 * the settings.
 */
final class Visits
{
    public static function basket(int $lines): void
    {
        self::tell('cart', ['lines' => $lines]);
    }

    public static function seen(int $product): void
    {
        self::tell('view', ['sku' => 'bx-' . $product]);
    }

    private static function tell(string $kind, array $data): void
    {
        $site = Shopper::site();
        $account = Shopper::account();
        $system = Options::system($site);
        if ($account <= 0 || $system === null || !self::isAgreed($site)) {
            return;
        }
        Queue::put($site, Queue::EVENT, 0, Signer::encode([
            'kind' => $kind,
            'external_id' => $kind . '-' . $account . '-' . bin2hex(random_bytes(8)),
            'occurred_at' => date('c'),
            'member' => ['external' => ['system' => $system, 'id' => (string) $account], 'verified' => true],
            'data' => $data,
        ]));
    }

    private static function isAgreed(string $site): bool
    {
        if (!Options::isOn($site) || Options::get('events', $site) !== 'Y') {
            return false;
        }
        $name = Options::get('consent_cookie', $site);
        $value = Options::get('consent_value', $site);
        return $name !== '' && $value !== '' && ($_COOKIE[$name] ?? null) === $value;
    }
}
