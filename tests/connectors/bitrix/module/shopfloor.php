<?php

use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\Basket;
use Bitrix\Sale\BasketItem;
use Bitrix\Sale\Order;
use Bitrix\Sale\Payment;
use Bitrix\Sale\PaymentCollection;
use Bitrix\Sale\PropertyValueCollection;

/**
 * A shop that does with its baskets and orders what the documents say that Bitrix does: runs the
 * compiled rule, saves orders, tells events in their order.
 */
final class Shopfloor
{
    /** The array of an order as a rule gets it, of lines [id, price, quantity, more]. */
    public static function order(array $lines, array $more = []): array
    {
        $items = [];
        foreach ($lines as [$id, $price, $quantity, $fields]) {
            $items[$id] = $fields + [
                'ID' => $id, 'PRODUCT_ID' => 100 + $id, 'PRICE' => $price, 'BASE_PRICE' => $price,
                'DISCOUNT_PRICE' => 0.0, 'QUANTITY' => $quantity,
            ];
        }
        return $more + ['ID' => 0, 'USER_ID' => Loyaltyhub\Shop\Site\Shopper::account(), 'CURRENCY' => 'RUB', 'BASKET_ITEMS' => $items];
    }

    public static function basket(): array
    {
        return self::order([[7, 100.0, 2.0, []]]);
    }

    /** What the hub says to that basket: 20.00 off each of two. */
    public static function answer(array $more = []): array
    {
        return $more + [
            'member' => ['id' => 'm_1', 'verified' => true, 'tier' => ['name' => 'Золото'], 'balance' => ['available' => '512.00']],
            'lines' => [['id' => '7', 'amount' => '200.00', 'discount' => '40.00', 'spend' => '0.00', 'payable' => '160.00', 'unit_price' => '80.00']],
            'points' => ['earn' => '8.00', 'spend' => '0.00', 'spend_max' => '48.00', 'code_required' => false],
        ];
    }

    /** The compiled rule runs: the code that the action generates, over the array. */
    public static function calculate(array $order): array
    {
        $code = Loyaltyhub\Shop\Site\RuleAction::Generate([], ['ORDER' => '$order'], [], false);
        (function () use (&$order, $code): void {
            eval($code);
        })();
        return $order;
    }

    /** An order of a calculated basket, saved for the first time in a checkout. */
    public static function place(array $basket, int $id, array $roles, string $at, float $delivery = 0.0): Order
    {
        $items = [];
        foreach ($basket['BASKET_ITEMS'] as $item) {
            $fields = array_intersect_key($item, array_flip(['ID', 'PRODUCT_ID', 'PRODUCT_XML_ID', 'PRICE', 'BASE_PRICE', 'DISCOUNT_PRICE', 'QUANTITY', 'CUSTOM_PRICE', 'SET_PARENT_ID', 'DELAY']));
            if (($item['DELAY'] ?? 'N') !== 'Y') {
                $items[] = new BasketItem($fields + ['NAME' => 'Товар ' . $item['ID'], 'VAT_RATE' => 0.2, 'VAT_INCLUDED' => 'Y']);
            }
        }
        $time = DateTime::ofTest($at);
        $order = new Order([
            'ID' => $id, 'ACCOUNT_NUMBER' => 'A-' . $id, 'LID' => 's1', 'USER_ID' => $basket['USER_ID'], 'STATUS_ID' => 'N',
            'PAYED' => 'N', 'CANCELED' => 'N', 'DEDUCTED' => 'N', 'PRICE_DELIVERY' => $delivery, 'CURRENCY' => 'RUB',
            'DATE_INSERT' => $time, 'DATE_UPDATE' => $time,
        ]);
        $order->basket = new Basket($items);
        $order->properties = new PropertyValueCollection($roles);
        $order->put('PRICE', self::sum($order));
        $order->payments = new PaymentCollection([self::payment($id * 10, $order->getPrice())]);
        $result = [];
        Site::tell('sale', 'OnSaleComponentOrderCreated', [$order], $result);
        Site::$orders[$id] = $order;
        self::save($order, true);
        return $order;
    }

    public static function pay(Order $order, string $at): void
    {
        foreach ($order->payments->payments as $payment) {
            $payment->put('PAID', 'Y');
        }
        $order->put('PAYED', 'Y');
        $order->put('DATE_PAYED', DateTime::ofTest($at));
        self::save($order, false, 'OnSaleOrderPaid');
    }

    /** The gateway's word of a return: the flag goes, and the payment says so. */
    public static function giveBack(Order $order, string $at): void
    {
        foreach ($order->payments->payments as $payment) {
            $payment->put('PAID', 'N');
            $payment->put('IS_RETURN', 'Y');
            $payment->put('PAY_RETURN_DATE', DateTime::ofTest($at));
        }
        $order->put('PAYED', 'N');
        self::save($order, false, 'OnSaleOrderPaid');
    }

    public static function setQuantity(Order $order, int $line, float $quantity): void
    {
        foreach ($order->basket->items as $place => $item) {
            if ($item->getId() === $line) {
                $item->put('QUANTITY', $quantity);
            }
            if ($item->getQuantity() == 0) {
                unset($order->basket->items[$place]);
            }
        }
        $order->put('PRICE', self::sum($order));
        self::save($order);
    }

    public static function cancel(Order $order): void
    {
        $order->put('CANCELED', 'Y');
        self::save($order, false, 'OnSaleOrderCanceled');
    }

    public static function delete(Order $order): void
    {
        Site::tell('sale', 'OnSaleBeforeOrderDelete', ['ENTITY' => $order]);
        unset(Site::$orders[$order->getId()]);
        Site::tell('sale', 'OnSaleOrderDeleted', ['VALUES' => ['ID' => $order->getId()]]);
    }

    public static function save(Order $order, bool $isNew = false, ?string $deferred = null): void
    {
        Site::tell('sale', 'OnSaleOrderSaved', ['ENTITY' => $order, 'IS_NEW' => $isNew, 'IS_CHANGED' => true, 'VALUES' => []]);
        if ($deferred !== null) {
            Site::tell('sale', $deferred, ['ENTITY' => $order]);
        }
    }

    /** What the page's script calls: the filters that Bitrix sets by itself, then the action. */
    public static function ajax(string $action, array $data = [], string $sessid = 'right'): array
    {
        $component = new LoyaltyhubBalanceComponent();
        $without = $component->configureActions()[$action]['-prefilters'] ?? [];
        if ($GLOBALS['USER']->GetID() === null && !in_array(\Bitrix\Main\Engine\ActionFilter\Authentication::class, $without, true)) {
            return ['status' => 'error', 'code' => 'invalid_authentication'];
        }
        if ($sessid !== 'right' && !in_array(\Bitrix\Main\Engine\ActionFilter\Csrf::class, $without, true)) {
            return ['status' => 'error', 'code' => 'invalid_csrf'];
        }
        return ['status' => 'success', 'data' => $component->{$action . 'Action'}(...$data)];
    }

    private static function payment(int $id, float $sum): Payment
    {
        return new Payment(['ID' => $id, 'PAID' => 'N', 'SUM' => $sum, 'PAY_SYSTEM_ID' => 5, 'IS_RETURN' => 'N']);
    }

    private static function sum(Order $order): float
    {
        $sums = array_map(fn(BasketItem $one) => round($one->getPrice() * $one->getQuantity(), 2), $order->basket->items);
        return round(array_sum($sums) + (float) $order->getField('PRICE_DELIVERY'), 2);
    }

    public static function install(): void
    {
        $GLOBALS['USER'] = new FakeUser(1);
        (new loyaltyhub_shop())->DoInstall();
        $GLOBALS['USER'] = new FakeUser(0);
    }
}
