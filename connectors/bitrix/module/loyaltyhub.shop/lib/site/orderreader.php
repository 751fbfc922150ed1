<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

use Bitrix\Main\Type\DateTime;
use Bitrix\Sale\BasketItem;
use Bitrix\Sale\Order;
use Bitrix\Sale\Payment;

/**
 * An order of Bitrix as the plain array of which `Core\Snapshot` is made.
 */
final class OrderReader
{
    public static function read(Order $order, bool $isDeleted = false): array
    {
        $items = $payments = [];
        foreach ($order->getBasket()?->getBasketItems() ?? [] as $item) {
            $items[] = self::item($item);
        }
        foreach ($order->getPaymentCollection() as $payment) {
            $payments[] = self::payment($payment);
        }
        return [
            'site_id' => (string) $order->getSiteId(),
            'order' => [
                'id' => (int) $order->getId(),
                'account_number' => self::text($order->getField('ACCOUNT_NUMBER')),
                'status_id' => self::text($order->getField('STATUS_ID')),
                'canceled' => $order->getField('CANCELED') === 'Y',
                'payed' => $order->isPaid(),
                'deducted' => $order->getField('DEDUCTED') === 'Y',
                'deleted' => $isDeleted,
                'price' => $order->getPrice(),
                'price_delivery' => $order->getField('PRICE_DELIVERY'),
                'currency' => (string) $order->getField('CURRENCY'),
                'date_insert' => self::time($order->getField('DATE_INSERT')),
                'date_update' => self::time($order->getField('DATE_UPDATE')),
                'date_payed' => self::payed($order),
            ],
            'buyer' => self::buyer($order),
            'items' => $items,
            'payments' => $payments,
        ];
    }

    /** The phone that the buyer gave: by its role, else by the code in the settings. */
    public static function phone(Order $order): ?string
    {
        $properties = $order->getPropertyCollection();
        $value = $properties->getPhone()
            ?? $properties->getItemByOrderPropertyCode(Options::get('phone_code', (string) $order->getSiteId()));
        return self::text($value?->getValue());
    }

    private static function item(BasketItem $item): array
    {
        return [
            'ref' => (string) ((int) $item->getId() ?: $item->getBasketCode()),
            'id' => (int) $item->getId(),
            'set_parent_id' => (int) $item->getField('SET_PARENT_ID'),
            'product_id' => (int) $item->getProductId() ?: null,
            'product_xml_id' => self::text($item->getField('PRODUCT_XML_ID')),
            'name' => self::text($item->getField('NAME')),
            'quantity' => $item->getQuantity(),
            'base_price' => $item->getBasePrice(),
            'price' => $item->getPrice(),
            'custom_price' => $item->getField('CUSTOM_PRICE') === 'Y',
            'vat_rate' => $item->getField('VAT_RATE'),
            'vat_included' => $item->getField('VAT_INCLUDED') !== 'N',
        ];
    }

    private static function payment(Payment $payment): array
    {
        return [
            'id' => (int) $payment->getId(),
            'pay_system_id' => (int) $payment->getPaymentSystemId() ?: null,
            'inner' => $payment->isInner(),
            'sum' => $payment->getSum(),
            'paid' => $payment->isPaid(),
            'is_return' => in_array($payment->getField('IS_RETURN'), ['Y', 'P'], true) ? $payment->getField('IS_RETURN') : 'N',
            'date_return' => self::time($payment->getField('PAY_RETURN_DATE')),
        ];
    }

    private static function buyer(Order $order): array
    {
        $properties = $order->getPropertyCollection();
        return [
            'user_id' => (int) $order->getUserId() ?: null,
            'phone' => self::phone($order),
            'email' => self::text($properties->getUserEmail()?->getValue()),
            'name' => self::text($properties->getPayerName()?->getValue()),
        ];
    }

    /** Also after a payment was returned: a sale does not move in time. */
    private static function payed(Order $order): ?string
    {
        $times = [];
        foreach ($order->getPaymentCollection() as $payment) {
            $times[] = $payment->getField('DATE_PAID');
        }
        $times = array_filter($times, fn(mixed $one) => $one instanceof DateTime);
        usort($times, fn(DateTime $one, DateTime $other) => (int) $one->format('U') <=> (int) $other->format('U'));
        return self::time($order->getField('DATE_PAYED') ?? end($times));
    }

    private static function text(mixed $value): ?string
    {
        $text = is_scalar($value) ? mb_substr(trim((string) $value), 0, 500) : '';
        return $text === '' ? null : $text;
    }

    /** With the server's offset: Bitrix keeps its own time. */
    private static function time(mixed $value): ?string
    {
        return $value instanceof DateTime ? $value->format('c') : null;
    }
}
