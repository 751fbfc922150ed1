<?php
/**
 * A line of the cart.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * What a line costs after the shop's own discounts, with tax, before those of the hub.
 */
final class Line {

	/**
	 * A line as it is asked about.
	 *
	 * @param string       $id         Unique in the basket.
	 * @param string       $kind       One of goods, delivery, fee.
	 * @param int          $amount     Kopecks, with tax.
	 * @param string       $quantity   Decimal with at most three digits.
	 * @param string|null  $sku        As the hub's connector names the article.
	 * @param string       $name       What people read.
	 * @param string[]     $categories Slugs, as in the catalogue.
	 * @param int|null     $net        Kopecks without tax, where the shop keeps its prices so.
	 */
	public function __construct( public string $id, public string $kind, public int $amount, public string $quantity = '1', public ?string $sku = null, public string $name = '', public array $categories = array(), public ?int $net = null ) {
	}

	/**
	 * The article code of a product: the rule of the hub's connector, so that both mean the same row.
	 *
	 * @param string $sku    What the shop keeps.
	 * @param int    $number Id of the variation, else of the product.
	 * @return string|null
	 */
	public static function sku( string $sku, int $number ): ?string {
		if ( '' !== $sku && mb_strlen( $sku ) <= 255 ) {
			return $sku;
		}
		return $number > 0 ? 'wc-' . $number : null;
	}

	/**
	 * The line on the wire; what it leaves out, the catalogue fills in.
	 *
	 * @return array
	 */
	public function body(): array {
		$body = array(
			'id'       => $this->id,
			'kind'     => $this->kind,
			'quantity' => $this->quantity,
			'amount'   => Money::write( $this->amount ),
		);
		if ( null !== $this->sku ) {
			$body['sku'] = $this->sku;
		}
		if ( '' !== $this->name ) {
			$body['name'] = mb_substr( $this->name, 0, 500 );
		}
		if ( array() !== $this->categories ) {
			$body['categories'] = array_values( $this->categories );
		}
		return $body;
	}
}
