<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Config\Option;

/**
 * The settings, each for a site of its own.
 */
final class Options
{
    public const MODULE = 'loyaltyhub.shop';
    /** Names, and what they are on a site where nobody has set them. */
    public const ALL = [
        'active' => 'N',
        'url' => '',
        'key' => '',
        'connection' => '',
        'secret' => '',
        'shop' => '',
        'phone_code' => 'PHONE',
        'events' => 'N',
        'consent_cookie' => 'LOYALTYHUB_CONSENT',
        'consent_value' => 'Y',
    ];
    public const SECRETS = ['key', 'secret'];

    public static function get(string $name, string $site): string
    {
        return trim((string) Option::get(self::MODULE, $name, self::ALL[$name] ?? '', $site));
    }

    public static function set(string $name, string $value, string $site): void
    {
        Option::set(self::MODULE, $name, $value, $site);
    }

    public static function isOn(string $site): bool
    {
        return self::get('active', $site) === 'Y' && self::get('url', $site) !== '';
    }

    /** The hub's name for accounts of this connection: `i_` and a number of base 36. */
    public static function system(string $site): ?string
    {
        $isId = preg_match('/^i_([0-9a-z]{1,13})$/D', self::get('connection', $site), $found) === 1;
        return $isId ? 'installation:' . intval($found[1], 36) : null;
    }

    public static function version(): string
    {
        $arModuleVersion = [];
        include dirname(__DIR__, 2) . '/install/version.php';
        return (string) $arModuleVersion['VERSION'];
    }
}
