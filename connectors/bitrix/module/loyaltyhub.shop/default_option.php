<?php

// SPDX-License-Identifier: MIT

$loyaltyhub_shop_default_option = [
    'active' => 'N',
    'phone_code' => 'PHONE',
    'events' => 'N',
    'consent_cookie' => 'LOYALTYHUB_CONSENT',
    'consent_value' => 'Y',
];
