<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Localization\Loc;
use Loyaltyhub\Shop\Core\Rule;

Loc::loadMessages(__FILE__);

/**
 * The action of our cart rule: prices of units by the hub's answer, asked for when the rule runs.
 */
class RuleAction extends \CSaleActionCtrlBasketGroup
{
    public const CONTROL = 'LoyaltyhubShopAction';

    /** Fields of lines that Bitrix's own array may lack, by ref; filled as a basket is refreshed. */
    public static array $seen = [];

    /** Refs of the lines that cost less in the buyer's basket as it was calculated last in this page. */
    public static array $lowered = [];

    public static function GetClassName()
    {
        return __CLASS__;
    }

    public static function GetControlID()
    {
        return self::CONTROL;
    }

    public static function GetControlDescr()
    {
        return ['EXECUTE_MODULE' => 'sale', 'SORT' => 1000] + parent::GetControlDescr();
    }

    public static function GetControlShow($arParams)
    {
        return [
            'controlId' => static::GetControlID(),
            'group' => false,
            'label' => Loc::getMessage('LOYALTYHUB_SHOP_RULE'),
            'defaultText' => '',
            'showIn' => static::GetShowIn($arParams['SHOW_IN_GROUPS']),
            'control' => [Loc::getMessage('LOYALTYHUB_SHOP_RULE')],
        ];
    }

    /** One atom that changes nothing: whether an action without any is taken is not told. */
    public static function GetAtoms()
    {
        return static::GetAtomsEx(false, false);
    }

    public static function GetAtomsEx($strControlID = false, $boolEx = false)
    {
        $atom = [
            'JS' => ['id' => 'Plain', 'name' => 'extra', 'type' => 'select', 'values' => ['Y' => 'Y'], 'defaultValue' => 'Y'],
            'ATOM' => ['ID' => 'Plain', 'FIELD_TYPE' => 'string', 'FIELD_LENGTH' => 1, 'MULTIPLE' => 'N', 'VALIDATE' => 'list'],
        ];
        return $boolEx ? ['Plain' => $atom] : ['Plain' => $atom['JS']];
    }

    public static function Generate($arOneCondition, $arParams, $arControl, $arSubs = false)
    {
        return '\\' . __CLASS__ . '::apply(' . $arParams['ORDER'] . ');';
    }

    /** Whatever goes wrong, the shop sells at its own price. */
    public static function apply(&$arOrder): void
    {
        try {
            if (is_array($arOrder) && is_array($arOrder['BASKET_ITEMS'] ?? null)) {
                self::lower($arOrder);
            }
        } catch (\Throwable $error) {
            Journal::note($error);
        }
    }

    private static function lower(array &$order): void
    {
        $id = (int) ($order['ID'] ?? 0);
        if ($id > 0) {
            // Staff calculates an order anew: what was promised stands, and the hub is not asked.
            $note = OrderTable::note($id);
            if ($note !== null) {
                Rule::applyNote($order, $note, self::$seen);
            }
            return;
        }
        // Staff who make an order for somebody are logged in; a guest's order may name any account.
        $isOwn = in_array(Shopper::account(), [0, (int) ($order['USER_ID'] ?? 0)], true);
        $lines = $isOwn && Options::isOn(Shopper::site()) ? Rule::lines($order, self::$seen) : null;
        if ($lines === null || $lines === []) {
            return;
        }
        $currency = (string) ($order['CURRENCY'] ?? 'RUB');
        Shopper::keepLines($lines, $currency);
        $basket = Shopper::basketOf($lines, $currency);
        $prices = Shopper::with(fn($checkout) => $checkout->prices($basket));
        self::$lowered = $prices === null ? [] : Rule::applyPrices($order, $prices);
    }
}
