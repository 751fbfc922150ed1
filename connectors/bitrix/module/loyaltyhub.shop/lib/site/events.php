<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Application;
use Bitrix\Main\Event;
use Bitrix\Sale\Order;

/**
 * What Bitrix tells the module.  No handler calls the network, changes an order, refuses anything,
 * or lets an error out.
 */
final class Events
{
    /** [module, event, method, whether parameters come in order]. */
    public const ALL = [
        ['main', 'OnBeforeProlog', 'onPage', true],
        ['sale', 'OnSaleBasketItemRefreshData', 'onLine', false],
        ['sale', 'OnSaleBasketSaved', 'onBasket', false],
        ['sale', 'OnSaleOrderSaved', 'onOrder', false],
        ['sale', 'OnSaleStatusOrderChange', 'onStatus', false],
        ['sale', 'OnSaleOrderPaid', 'onPaid', false],
        ['sale', 'OnSaleOrderCanceled', 'onCanceled', false],
        ['sale', 'OnSaleBeforeOrderDelete', 'onBeforeDelete', false],
        ['sale', 'OnSaleOrderDeleted', 'onDeleted', false],
        ['sale', 'OnSaleComponentOrderCreated', 'onCheckout', true],
        ['sale', 'OnSaleComponentOrderResultPrepared', 'onResult', true],
    ];

    /** Whether this page is the checkout. */
    private static bool $isCheckout = false;
    private static bool $isDue = false;
    private static array $dying = [];

    /** Bitrix includes the module to call this, so the rule's code finds its class. */
    public static function onPage(): void
    {
    }

    public static function onLine(mixed $told): void
    {
        self::quietly(function () use ($told): void {
            $item = self::entity($told);
            $fields = ['PRODUCT_XML_ID' => $item->getField('PRODUCT_XML_ID'), 'QUANTITY' => $item->getQuantity(),
                'PRODUCT_ID' => $item->getProductId(), 'CUSTOM_PRICE' => $item->getField('CUSTOM_PRICE')];
            RuleAction::$seen[(string) ((int) $item->getId() ?: $item->getBasketCode())] = array_filter($fields, fn($one) => $one !== null);
        });
    }

    public static function onBasket(mixed $told): void
    {
        self::quietly(function () use ($told): void {
            $lines = count(self::entity($told)->getBasketItems());
            if ($lines === 0) {
                Shopper::keepLines([], 'RUB');
            }
            Visits::basket($lines);
        });
    }

    public static function onOrder(mixed $told, mixed $isNew = null): void
    {
        self::quietly(function () use ($told, $isNew): void {
            $order = self::entity($told);
            $isNew = $told instanceof Event ? $told->getParameter('IS_NEW') : $isNew;
            $isBuyers = $isNew === true && (self::$isCheckout || self::isLowered($order));
            if ($isBuyers && Options::isOn((string) $order->getSiteId())) {
                RuleAction::$lowered = [];
                $note = Shopper::with(function ($checkout) {
                    $note = $checkout->note();
                    $checkout->beginAnew();
                    return $note;
                });
                Shopper::keepLines([], (string) $order->getField('CURRENCY'));
                if ($note !== null) {
                    OrderTable::keepNote((int) $order->getId(), $note);
                }
            }
            self::mark($order, 'OnSaleOrderSaved');
        });
    }

    /** Whether the order has the very rows that were lowered for the buyer of this page: a one-click order. */
    private static function isLowered(Order $order): bool
    {
        $rows = array_map(fn($item) => (string) $item->getId(), $order->getBasket()?->getBasketItems() ?? []);
        return RuleAction::$lowered !== [] && array_diff(RuleAction::$lowered, $rows) === [];
    }

    public static function onStatus(mixed $told): void
    {
        self::quietly(fn() => self::mark(self::entity($told), 'OnSaleStatusOrderChange'));
    }

    /** Also told when the flag is taken off. */
    public static function onPaid(mixed $told): void
    {
        self::quietly(fn() => self::mark(self::entity($told), 'OnSaleOrderPaid'));
    }

    public static function onCanceled(mixed $told): void
    {
        self::quietly(fn() => self::mark(self::entity($told), 'OnSaleOrderCanceled'));
    }

    public static function onBeforeDelete(mixed $told): void
    {
        self::quietly(function () use ($told): void {
            $order = self::entity($told);
            self::$dying[(int) $order->getId()] = OrderReader::read($order, true);
        });
    }

    public static function onDeleted(mixed $told): void
    {
        self::quietly(function () use ($told): void {
            $values = $told instanceof Event ? $told->getParameter('VALUES') : $told;
            $order = self::$dying[(int) ($values['ID'] ?? 0)] ?? null;
            if ($order !== null && Options::isOn($order['site_id'])) {
                Queue::deleted($order, $order['site_id']);
                self::sendLater();
            }
        });
    }

    /** The checkout has built its order: a phone that the buyer typed since makes it build it anew. */
    public static function onCheckout(mixed $order, mixed &$arUserResult): void
    {
        self::quietly(function () use ($order, &$arUserResult): void {
            self::$isCheckout = true;
            $phone = OrderReader::phone($order);
            if ($phone !== Shopper::phone()) {
                Shopper::keepPhone($phone);
                if (Shopper::account() === 0 && is_array($arUserResult)) {
                    $arUserResult['RECREATE_ORDER'] = 'Y';
                }
            }
        });
    }

    public static function onResult(mixed $order, mixed &$arUserResult, mixed $request, mixed &$arParams, mixed &$arResult): void
    {
        self::quietly(function () use (&$arResult): void {
            if (is_array($arResult) && Options::isOn(Shopper::site())) {
                $arResult['LOYALTYHUB'] = Desk::told();
            }
        });
    }

    private static function mark(?Order $order, string $trigger): void
    {
        $site = $order === null ? '' : (string) $order->getSiteId();
        if ($order === null || (int) $order->getId() <= 0 || !Options::isOn($site)) {
            return;
        }
        Queue::mark((int) $order->getId(), $site, $trigger);
        self::sendLater();
    }

    /** The first try, once the page has been answered; the agent has the others. */
    private static function sendLater(): void
    {
        if (!self::$isDue) {
            self::$isDue = true;
            Application::getInstance()->addBackgroundJob([self::class, 'send']);
        }
    }

    public static function send(): void
    {
        self::$isDue = false;
        Queue::run();
    }

    /** Bitrix has two ways to call a handler, and was seen to use the one that was not asked for. */
    private static function entity(mixed $told): mixed
    {
        return $told instanceof Event ? $told->getParameter('ENTITY') : $told;
    }

    private static function quietly(callable $work): void
    {
        try {
            $work();
        } catch (\Throwable $error) {
            Journal::note($error);
        }
    }
}
