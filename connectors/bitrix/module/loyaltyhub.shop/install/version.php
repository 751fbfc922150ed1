<?php

// SPDX-License-Identifier: MIT

$arModuleVersion = [
    'VERSION' => '0.1.0',
    'VERSION_DATE' => '2026-11-29 12:00:00',
];
