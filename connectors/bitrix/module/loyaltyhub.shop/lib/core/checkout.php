<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * The way of a basket: asked about, promised, ordered.
 *
 * Keeps what the buyer chose and what the hub answered in the buyer's session, and asks again only
 * when something changed: Bitrix calculates one basket several times for each page.  A basket that
 * spends points or uses codes is promised at once by a hold of its cart, so saving the order calls
 * nobody.  Nothing here stops a sale: without an answer the shop's own price stands.
 */
final class Checkout
{
    /** Seconds for which an answer stands. */
    public const KEEP = 60;
    /** Seconds for which a hub that did not answer is left alone. */
    public const PAUSE = 30;
    /** Seconds for which a basket is promised. */
    public const HOLD = 1800;
    private const MOST_CODES = 10;
    private const FRESH = [
        'cart' => '', 'spend' => null, 'codes' => [], 'code' => null, 'print' => '', 'answer' => null,
        'asked' => [], 'until' => 0, 'trouble' => '', 'hold' => null, 'unknown' => null,
        'guest' => null, 'no_phone' => null, 'member' => null,
    ];

    private array $state;
    private readonly \Closure $now;

    /** @param callable $now fn(): int, seconds since the epoch. */
    public function __construct(private readonly Hub $hub, array $state, callable $now)
    {
        $this->now = $now(...);
        $this->state = $state + self::FRESH;
        if ($this->state['cart'] === '') {
            $this->state['cart'] = 'bx-' . bin2hex(random_bytes(16));
        }
    }

    /** For the session. */
    public function state(): array
    {
        return $this->state;
    }

    /** Why the buyer's wish was not met: '' or 'away', 'degraded', or a code of the contract. */
    public function trouble(): string
    {
        return $this->state['trouble'];
    }

    public function spend(): ?string
    {
        return $this->state['spend'];
    }

    /** @return string[] */
    public function codes(): array
    {
        return $this->state['codes'];
    }

    /** The buyer's choice of points: "max", '' for none, or a number as people write it. */
    public function choose(string $typed): bool
    {
        $typed = str_replace([' ', "\u{a0}", ','], ['', '', '.'], trim($typed));
        if ($typed === 'max' || $typed === '') {
            $this->change(['spend' => $typed === '' ? null : 'max']);
            return true;
        }
        try {
            $points = Money::read($typed);
        } catch (\UnexpectedValueException) {
            return false;
        }
        if ($points < 0) {
            return false;
        }
        $this->change(['spend' => $points === 0 ? null : Money::write($points)]);
        return true;
    }

    /** A promo code that the buyer typed. */
    public function addCode(string $code): void
    {
        $code = trim($code);
        if ($code !== '' && mb_strlen($code) <= 100 && count($this->state['codes']) < self::MOST_CODES) {
            $this->change(['codes' => array_values(array_unique([...$this->state['codes'], $code]))]);
        }
    }

    public function dropCode(string $code): void
    {
        $this->change(['codes' => array_values(array_diff($this->state['codes'], [$code]))]);
    }

    /** Has a confirmation code sent to the buyer of the last basket. */
    public function sendCode(Basket $basket): Reply
    {
        return $this->hub->call('/confirmations', [
            'member' => $this->member($basket),
            'purpose' => 'spend',
            'cart' => $this->state['cart'],
            'shop' => $basket->shop,
            'locale' => $basket->locale,
        ]);
    }

    /** The code that came to the buyer: the next calculation spends with it. */
    public function confirm(string $code): void
    {
        $this->change(['code' => trim($code), 'spend' => $this->state['spend'] ?? 'max']);
    }

    /** Prices of this basket; null: the shop's own stand. */
    public function prices(Basket $basket): ?Prices
    {
        if (!$basket->canBeAsked()) {
            return null;
        }
        $print = $this->print($basket);
        if ($print !== $this->state['print'] || ($this->now)() >= $this->state['until']) {
            $this->ask($basket);
        }
        return $this->state['answer'] === null ? null : new Prices($this->state['answer'], $basket);
    }

    /**
     * What is kept with the order that was made of the basket, and told to the hub with each
     * snapshot: what was promised, and what was taken off each line.
     */
    public function note(): ?array
    {
        $asked = $this->state['asked'];
        if ($this->state['answer'] === null || $asked === []) {
            return null;
        }
        $lines = [];
        foreach ($this->state['answer']['lines'] as $told) {
            $line = $asked[$told['id']] ?? null;
            if ($line !== null && $told['payable'] !== $told['amount']) {
                $lines[$told['id']] = $line + [
                    'unit' => $told['unit_price'],
                    'discount' => $told['discount'],
                    'spend' => $told['spend'],
                ];
            }
        }
        return [
            'cart' => $this->state['cart'],
            'hold' => $this->state['hold'],
            'points' => $this->state['answer']['points']['spend'],
            'spend' => Money::write(array_sum(array_map(fn(array $one) => Money::read($one['spend']), $lines))),
            'coupons' => $this->state['codes'],
            'lines' => $lines,
        ];
    }

    /** After the order is made the next basket begins. */
    public function beginAnew(): void
    {
        $this->state = ['cart' => 'bx-' . bin2hex(random_bytes(16))] + self::FRESH;
    }

    private function change(array $changes): void
    {
        $this->state = ['print' => ''] + $changes + $this->state;
    }

    /** Whom the hub is told: an account, or else whoever has the phone. */
    private function member(Basket $basket): ?array
    {
        $phone = $basket->phone === $this->state['no_phone'] ? null : $basket->phone;
        $id = $basket->account['id'] ?? null;
        // A guest who is registered while the order is saved stays the guest that was asked about.
        $wasGuest = $phone !== null && $phone === $this->state['guest'];
        if ($id !== null && $id !== $this->state['unknown'] && !$wasGuest) {
            return ['external' => $basket->account, 'verified' => true];
        }
        return $phone === null ? null : ['phone' => $phone];
    }

    private function body(Basket $basket, ?string $spend): array
    {
        return $basket->body($this->member($basket), $spend, $this->state['codes'], $this->state['cart']);
    }

    private function print(Basket $basket): string
    {
        return hash('sha256', Signer::encode([$this->body($basket, $this->state['spend']), $this->state['code']]));
    }

    private function ask(Basket $basket): void
    {
        if ($basket->account === null) {
            $this->state['guest'] = $basket->phone;
        }
        $reply = $this->wished($basket);
        if ($reply->code() === 'phone_impossible' && $basket->phone !== $this->state['no_phone']) {
            $this->state['no_phone'] = $basket->phone;
            $reply = $this->wished($basket);
        }
        $told = $reply->body['quote'] ?? $reply->body;
        $isStranger = $reply->isOk() && ($told['member'] ?? null) === null;
        if ($isStranger && isset($this->member($basket)['external']) && $basket->phone !== null) {
            $this->state['unknown'] = $basket->account['id'];
            $reply = $this->wished($basket);
        }
        $this->take($reply, $basket);
    }

    /** The basket as the buyer wants it; where that is refused, without points. */
    private function wished(Basket $basket): Reply
    {
        $this->state['trouble'] = '';
        $this->state['member'] = $this->member($basket);
        $wants = $this->state['spend'] !== null || $this->state['codes'] !== [];
        if (!$wants && $this->state['hold'] === null) {
            return $this->hub->call('/quotes', $this->body($basket, null));
        }
        $code = $this->state['code'];
        $reply = $this->hold($basket, $this->state['spend'], $code);
        // Each is good once, and one that did not arrive is still good.
        $this->state['code'] = $reply->isAway() ? $code : null;
        if ($reply->isOk() || $reply->isAway() || $reply->code() === 'phone_impossible') {
            return $reply;
        }
        $this->state['trouble'] = $reply->code() === '' ? 'refused' : $reply->code();
        // The cart's earlier hold, if there is one, is replaced by one that sets no points aside.
        $without = $this->hold($basket, null, null);
        return $without->isOk() || $without->isAway() ? $without : $this->hub->call('/quotes', $this->body($basket, null));
    }

    private function hold(Basket $basket, ?string $spend, ?string $code): Reply
    {
        $told = ['ttl_s' => self::HOLD] + ($code === null ? [] : ['code' => $code]);
        return $this->hub->call('/holds', $told + $this->body($basket, $spend));
    }

    private function take(Reply $reply, Basket $basket): void
    {
        $now = ($this->now)();
        $held = is_string($reply->body['id'] ?? null) && is_array($reply->body['quote'] ?? null);
        $answer = $held ? $reply->body['quote'] : $reply->body;
        $this->state = [
            'print' => $this->print($basket), 'answer' => null, 'asked' => [], 'until' => $now + self::PAUSE,
        ] + $this->state;
        if (!$reply->isOk()) {
            $this->state['trouble'] = $reply->isAway() ? 'away' : ($reply->code() ?: 'refused');
            return;
        }
        if (($answer['degraded'] ?? false) === true) {
            $this->state['trouble'] = 'degraded';
            return;
        }
        try {
            new Prices($answer, $basket);
        } catch (\UnexpectedValueException) {
            $this->state['trouble'] = 'unreadable';
            return;
        }
        $ends = $held ? (int) strtotime((string) ($reply->body['expires_at'] ?? '')) - self::KEEP : 0;
        $this->state['answer'] = $answer;
        $this->state['hold'] = $held ? $reply->body['id'] : null;
        $this->state['until'] = max($now + self::KEEP, $ends);
        foreach ($basket->lines as $line) {
            $this->state['asked'][$line->ref] = [
                'before' => Money::write($line->unit), 'quantity' => Money::writeMilli($line->milli),
            ];
        }
    }
}
