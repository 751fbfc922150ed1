<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * When a message that was not taken is sent again: after 1, 2, 5, 15 and 60 minutes, then each hour
 * for three days.
 */
final class Backoff
{
    private const MINUTES = [1, 2, 5, 15, 60];
    private const HOURS = 72;
    /** The message itself is wrong.  Others (a wrong secret, a hub that is away) can be mended. */
    private const FINAL = [400, 413, 415, 422];

    /** Seconds to wait after so many tries; null: no more. */
    public static function pause(int $tries): ?int
    {
        if ($tries > count(self::MINUTES) + self::HOURS) {
            return null;
        }
        return 60 * (self::MINUTES[$tries - 1] ?? 60);
    }

    public static function isFinal(int $status): bool
    {
        return in_array($status, self::FINAL, true);
    }
}
