<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * What came back of a call.  Status 0: no answer within the limit.
 */
final class Reply
{
    public function __construct(public readonly int $status, public readonly array $body = [])
    {
    }

    public static function of(int $status, string $text): self
    {
        $body = json_decode($text, true, 64);
        return new self($status, is_array($body) ? $body : []);
    }

    public function isOk(): bool
    {
        return $this->status >= 200 && $this->status < 300;
    }

    /** Whether the same call may do better later. */
    public function isAway(): bool
    {
        return $this->status === 0 || $this->status === 429 || $this->status >= 500;
    }

    /** The stable word of a refusal. */
    public function code(): string
    {
        $code = $this->body['code'] ?? '';
        return is_string($code) ? $code : '';
    }
}
