<?php
/**
 * A cart as the hub is asked about it.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * Lines, buyer and shop; the body of a quote or a hold (`docs/http-contract.md`, Checkout).
 */
final class Basket {

	/**
	 * The hub takes no larger basket; of one beyond it the buyer pays the shop's own prices.
	 */
	public const MOST_LINES = 500;

	/**
	 * What is in the cart.
	 *
	 * @var Line[] By their ids.
	 */
	public array $lines = array();

	/**
	 * Made of lines that cost something or nothing, never less.
	 *
	 * @param Line[]      $lines    Goods, delivery, fees.
	 * @param string      $currency As RUB.
	 * @param string|null $shop     Code of the shop in the hub.
	 * @param array|null  $member   Keys of the contract, or null for a stranger.
	 * @param string      $locale   Language of names and reasons: ru or en.
	 * @param string|null $payment  The method of payment that is chosen.
	 */
	public function __construct( array $lines, public string $currency, public ?string $shop, public ?array $member, public string $locale, public ?string $payment = null ) {
		foreach ( $lines as $line ) {
			$this->lines[ $line->id ] = $line;
		}
	}

	/**
	 * Whether there is anything to ask about.
	 *
	 * @return bool
	 */
	public function can_be_asked(): bool {
		$goods = array_filter( $this->lines, fn( Line $line ) => 'goods' === $line->kind );
		return array() !== $goods && count( $this->lines ) <= self::MOST_LINES;
	}

	/**
	 * The body of a quote.
	 *
	 * @param string|null $spend "max", points as a decimal, or null.
	 * @param string[]    $codes Codes that the buyer typed.
	 * @param string|null $cart  Id of the cart, whose own hold counts as available.
	 * @param string[]    $certificates Codes of gift certificates that the buyer typed.
	 * @return array
	 */
	public function body( ?string $spend, array $codes, ?string $cart, array $certificates = array() ): array {
		return array(
			'shop'         => $this->shop,
			'channel'      => 'online',
			'currency'     => $this->currency,
			'cart'         => $cart,
			'member'       => $this->member,
			'lines'        => array_map( fn( Line $line ) => $line->body(), array_values( $this->lines ) ),
			'coupons'      => array_values( $codes ),
			'certificates' => array_values( $certificates ),
			'spend'        => null === $this->member ? null : $spend,
			'payment'      => $this->payment,
			'line_prices'  => 'total',
			'locale'       => $this->locale,
			'explain'      => 'short',
		);
	}
}
