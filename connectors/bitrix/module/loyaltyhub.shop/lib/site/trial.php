<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Config\Option;
use Bitrix\Main\Localization\Loc;
use Loyaltyhub\Shop\Core\Line;
use Loyaltyhub\Shop\Core\Reply;
use Loyaltyhub\Shop\Core\Signer;

Loc::loadMessages(__FILE__);

/**
 * What stands behind the settings page: the cart rule of a site, and the test of the connection.
 */
final class Trial
{
    private const RULE = 'rule_id';
    private const EVERYBODY = 2;

    /** Makes the rule of a site, or takes it away, as the module is on or off there. */
    public static function keepRule(string $site): void
    {
        $id = (int) Options::get(self::RULE, $site);
        if (Options::isOn($site) && $id === 0) {
            $made = (int) \CSaleDiscount::Add(self::fields($site));
            Options::set(self::RULE, (string) $made, $site);
        }
        if (!Options::isOn($site) && $id > 0) {
            \CSaleDiscount::Delete($id);
            Options::set(self::RULE, '', $site);
        }
        self::note($site);
    }

    public static function removeRules(): void
    {
        foreach (self::sites() as $site) {
            $id = (int) Options::get(self::RULE, $site);
            if ($id > 0) {
                \CSaleDiscount::Delete($id);
                Options::set(self::RULE, '', $site);
            }
        }
    }

    /**
     * What is wrong, and what works.
     *
     * @return array[] Whether it is well, and a sentence.
     */
    public static function test(string $site): array
    {
        $hub = Transport::forWork($site);
        $basket = Shopper::basketOf([new Line('none', 0, 1000)], 'RUB');
        $body = ['shop' => Options::get('shop', $site) ?: null] + $basket->body(null, null, [], 'test');
        $reply = $hub->call('/quotes', $body);
        if ($reply->status === 0) {
            return [[false, self::text('AWAY')]];
        }
        $lines = [self::line($reply, 'PRICES')];
        $system = Options::system($site);
        if ($system === null) {
            $lines[] = [false, self::text('NO_CONNECTION')];
            return $lines;
        }
        $ping = $hub->tell(Options::get('connection', $site), Options::get('secret', $site), Signer::encode(['type' => 'ping']));
        $lines[] = self::line($ping, 'ORDERS');
        foreach (self::rivals($site) as $name) {
            $lines[] = [false, str_replace('#NAME#', $name, self::text('RIVAL'))];
        }
        return $lines;
    }

    /** Active rules that let no later one run: ours would never be asked. */
    private static function rivals(string $site): array
    {
        $found = \CSaleDiscount::GetList(
            ['PRIORITY' => 'DESC', 'SORT' => 'ASC'],
            ['LID' => $site, 'ACTIVE' => 'Y'],
            false,
            false,
            ['ID', 'NAME', 'LAST_DISCOUNT']
        );
        $names = [];
        while (is_array($row = $found->Fetch())) {
            if ($row['LAST_DISCOUNT'] === 'Y' && (int) $row['ID'] !== (int) Options::get(self::RULE, $site)) {
                $names[] = (string) $row['NAME'];
            }
        }
        return $names;
    }

    /** Last of all, and stopping none. */
    private static function fields(string $site): array
    {
        return [
            'LID' => $site,
            'NAME' => self::text('RULE_NAME'),
            'ACTIVE' => 'Y',
            'PRIORITY' => 0,
            'SORT' => 10000,
            'LAST_DISCOUNT' => 'N',
            'LAST_LEVEL_DISCOUNT' => 'N',
            'CURRENCY' => \Bitrix\Sale\Internals\SiteCurrencyTable::getSiteCurrency($site),
            'USER_GROUPS' => [self::EVERYBODY],
            'USE_COUPONS' => 'N',
            'CONDITIONS' => ['CLASS_ID' => 'CondGroup', 'DATA' => ['All' => 'AND', 'True' => 'True'], 'CHILDREN' => []],
            'ACTIONS' => [
                'CLASS_ID' => 'CondGroup',
                'DATA' => ['All' => 'AND'],
                'CHILDREN' => [['CLASS_ID' => RuleAction::CONTROL, 'DATA' => ['Plain' => 'Y'], 'CHILDREN' => []]],
            ],
        ];
    }

    private static function note(string $site): void
    {
        $known = array_unique([...self::sites(), $site]);
        Option::set(Options::MODULE, 'sites', implode(',', $known));
    }

    /** Sites on which the module was ever saved. */
    private static function sites(): array
    {
        return array_filter(explode(',', (string) Option::get(Options::MODULE, 'sites')));
    }

    private static function line(Reply $reply, string $what): array
    {
        if ($reply->isOk()) {
            return [true, self::text($what)];
        }
        $detail = is_string($reply->body['detail'] ?? null) ? $reply->body['detail'] : '';
        return [false, trim(self::text($what . '_NOT') . ' ' . $reply->status . ' ' . $reply->code() . ' ' . $detail)];
    }

    private static function text(string $name): string
    {
        return (string) Loc::getMessage('LOYALTYHUB_SHOP_' . $name);
    }
}
