<?php

// SPDX-License-Identifier: MIT

namespace Loyaltyhub\Shop\Core;

/**
 * A line of a basket: price of a unit in kopecks, as the shop's own rules left it; quantity in
 * thousandths.
 */
final class Line
{
    public function __construct(
        public readonly string $ref,
        public readonly int $unit,
        public readonly int $milli,
        public readonly ?int $productId = null,
        public readonly ?string $xmlId = null,
        public readonly bool $discountable = true
    ) {
    }

    public function amount(): int
    {
        return Money::lineAt($this->unit, $this->milli);
    }

    /** The article's code, as the hub makes it of a snapshot (`connectors/bitrix/lines.py`). */
    public function sku(): ?string
    {
        if ($this->xmlId !== null && $this->xmlId !== '' && mb_strlen($this->xmlId) <= 255) {
            return $this->xmlId;
        }
        return $this->productId === null ? null : 'bx-' . $this->productId;
    }

    public function body(): array
    {
        return [
            'id' => $this->ref,
            'kind' => 'goods',
            'sku' => $this->sku(),
            'quantity' => Money::writeMilli($this->milli),
            'price' => Money::write($this->unit),
            'amount' => Money::write($this->amount()),
            'discountable' => $this->discountable,
        ];
    }
}
