<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Site;

/**
 * What went wrong, where the site's own errors go.  No message: it may hold somebody's phone.
 */
final class Journal
{
    public static function note(\Throwable $error): void
    {
        error_log(sprintf(
            '%s: %s at %s:%d',
            Options::MODULE,
            get_class($error),
            basename($error->getFile()),
            $error->getLine()
        ));
    }
}
