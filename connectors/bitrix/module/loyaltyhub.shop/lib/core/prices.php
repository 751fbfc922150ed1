<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * The hub's answer as prices of units.  An answer that does not add up is none.
 */
final class Prices
{
    /** @var array<string, array{unit: int, discount: int, spend: int, payable: int}> Kopecks. */
    public readonly array $lines;

    /** @var array{earn: int, spend: int, spend_max: int} Hundredths of a point. */
    public readonly array $points;

    /** Hundredths of a point; null where it is not told: nobody vouches for the buyer. */
    public readonly ?int $balance;

    public readonly bool $codeRequired;

    /** @throws \UnexpectedValueException */
    public function __construct(private readonly array $answer, Basket $basket)
    {
        $lines = [];
        foreach (self::part($answer, 'lines') as $told) {
            $line = is_array($told) ? $basket->lines[(string) ($told['id'] ?? '')] ?? null : null;
            if ($line === null) {
                throw new \UnexpectedValueException('A line that was not asked about.');
            }
            $lines[$line->ref] = self::sums($line, $told);
        }
        if (count($lines) !== count($basket->lines)) {
            throw new \UnexpectedValueException('A line has no answer.');
        }
        $this->lines = $lines;
        $points = self::part($answer, 'points');
        $this->points = [
            'earn' => Money::read($points['earn'] ?? null),
            'spend' => Money::read($points['spend'] ?? null),
            'spend_max' => Money::read($points['spend_max'] ?? null),
        ];
        $this->codeRequired = ($points['code_required'] ?? null) === true;
        $available = $answer['member']['balance']['available'] ?? null;
        $this->balance = $available === null ? null : Money::read($available);
    }

    public function member(): ?array
    {
        return is_array($this->answer['member'] ?? null) ? $this->answer['member'] : null;
    }

    /** Codes that were entered: code => reason, or '' where it is applied. */
    public function codes(): array
    {
        $told = [];
        foreach ($this->answer['coupons'] ?? [] as $one) {
            $told[(string) ($one['code'] ?? '')] = ($one['status'] ?? '') === 'applied'
                ? '' : (string) ($one['text'] ?? $one['reason'] ?? 'rejected');
        }
        return $told;
    }

    private static function sums(Line $line, array $told): array
    {
        $sums = [
            'unit' => $line->unit,
            'discount' => Money::read($told['discount'] ?? null),
            'spend' => Money::read($told['spend'] ?? null),
            'payable' => Money::read($told['payable'] ?? null),
        ];
        $off = $sums['discount'] + $sums['spend'];
        if ($off > 0) {
            $sums['unit'] = Money::read($told['unit_price'] ?? null);
        }
        $addsUp = min($sums) >= 0
            && $line->amount() - $off === $sums['payable']
            && Money::lineAt($sums['unit'], $line->milli) === $sums['payable']
            && $sums['unit'] <= $line->unit;
        if (!$addsUp) {
            throw new \UnexpectedValueException('A line does not add up.');
        }
        return $sums;
    }

    private static function part(array $answer, string $name): array
    {
        if (!is_array($answer[$name] ?? null)) {
            throw new \UnexpectedValueException('Not an answer to a basket.');
        }
        return $answer[$name];
    }
}
