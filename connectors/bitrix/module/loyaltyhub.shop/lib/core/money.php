<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * Sums are whole kopecks (points: hundredths), quantities whole thousandths; on the wire both are
 * decimal strings.
 */
final class Money
{
    /**
     * A decimal of the wire in hundredths.
     *
     * @throws \UnexpectedValueException Anything but a decimal with at most two digits.
     */
    public static function read(mixed $text): int
    {
        $text = is_int($text) ? (string) $text : $text;
        if (!is_string($text) || !preg_match('/^(-?)([0-9]{1,13})(?:\.([0-9]{1,2}))?$/D', $text, $found)) {
            throw new \UnexpectedValueException('Not a decimal with at most two digits.');
        }
        $minor = (int) $found[2] * 100 + (int) str_pad($found[3] ?? '', 2, '0');
        return $found[1] === '-' ? -$minor : $minor;
    }

    public static function write(int $minor): string
    {
        return self::decimal($minor, 100, 2);
    }

    /** Kopecks of a sum as Bitrix keeps it: a float, or a text of one. */
    public static function ofShop(mixed $amount): int
    {
        return (int) round((float) $amount * 100);
    }

    /** Whole kopecks of a price of a unit: of its parts of a kopeck no points are taken. */
    public static function unitOf(mixed $price): int
    {
        return (int) floor(round((float) $price * 100, 2));
    }

    /** A price of a unit as Bitrix keeps it: four digits, so parts of a kopeck as well. */
    public static function writeExact(mixed $price): string
    {
        return number_format((float) $price, 4, '.', '');
    }

    /** Thousandths of a quantity as Bitrix keeps it. */
    public static function milli(mixed $quantity): int
    {
        return (int) round((float) $quantity * 1000);
    }

    public static function writeMilli(int $milli): string
    {
        return rtrim(rtrim(self::decimal($milli, 1000, 3), '0'), '.');
    }

    /** Price of a unit times quantity, in kopecks, half up: as the hub reckons. */
    public static function lineAt(int $unit, int $milli): int
    {
        return intdiv(2 * $unit * $milli + 1000, 2000);
    }

    private static function decimal(int $count, int $unit, int $digits): string
    {
        $rest = str_pad((string) (abs($count) % $unit), $digits, '0', STR_PAD_LEFT);
        return ($count < 0 ? '-' : '') . intdiv(abs($count), $unit) . '.' . $rest;
    }
}
