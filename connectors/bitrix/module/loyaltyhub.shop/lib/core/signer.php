<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * The proof of a message to the hub: HMAC-SHA256 over its very bytes.
 */
final class Signer
{
    public const HEADER = 'X-Hub-Signature';

    public static function sign(string $secret, string $body): string
    {
        return 'sha256=' . hash_hmac('sha256', $body, $secret);
    }

    /** One text, which is signed and sent as it is. */
    public static function encode(array $message): string
    {
        return json_encode(
            $message,
            JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR
        );
    }
}
