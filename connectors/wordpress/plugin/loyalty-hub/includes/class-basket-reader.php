<?php
/**
 * The cart as WooCommerce calculated it, read as a basket.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Basket;
use LoyaltyHub\Core\Line;
use LoyaltyHub\Core\Money;

/**
 * Lines cost what is left after the shop's own coupons; what ours took off is added again.
 */
final class Basket_Reader {

	/**
	 * Reads the cart after its totals were calculated.
	 *
	 * @param \WC_Cart $cart  The cart.
	 * @param array    $taken What our coupons took off in this calculation: by coupon and cart key, in hundredths.
	 * @return Basket
	 */
	public static function read( \WC_Cart $cart, array $taken ): Basket {
		$lines = array();
		foreach ( $cart->get_cart() as $key => $item ) {
			if ( Gifts::is( $item ) ) {
				continue;
			}
			$off     = array_sum( array_map( fn( array $by_key ) => $by_key[ $key ] ?? 0, $taken ) );
			$lines[] = self::goods( (string) $key, $item, (int) round( $off ), $cart );
		}
		foreach ( $cart->calculate_shipping() as $key => $rate ) {
			$taxes   = array_sum( array_map( fn( $tax ) => Money::of_shop( $tax ), (array) $rate->taxes ) );
			$lines[] = new Line( self::shipping_id( $key ), 'delivery', Money::of_shop( $rate->cost ) + $taxes, '1', null, (string) $rate->label );
		}
		foreach ( $cart->get_fees() as $key => $fee ) {
			if ( $fee->total > 0 ) {
				$lines[] = new Line( self::fee_id( $key ), 'fee', Money::of_shop( $fee->total ) + Money::of_shop( $fee->tax ), '1', null, (string) $fee->name );
			}
		}
		$payment = WC()->session ? WC()->session->get( 'chosen_payment_method' ) : null;
		return new Basket( $lines, get_woocommerce_currency(), Options::get( 'shop' ) ?: null, self::member(), Options::locale(), is_string( $payment ) && '' !== $payment ? $payment : null );
	}

	/**
	 * The buyer: by the account, for which the shop vouches while somebody is logged in; else by the
	 * phone, for which it does not, so that it earns, and spends with a code alone.
	 *
	 * Never both: the hub would take the vouching for the phone too, which anybody may have typed.
	 *
	 * @return array|null
	 */
	public static function member(): ?array {
		$account = self::account( get_current_user_id() );
		$phone   = self::phone();
		if ( null !== $account && ( null === $phone || null !== Account::member() ) ) {
			return $account;
		}
		if ( null === $phone ) {
			return null;
		}
		return array(
			'phone'    => $phone,
			'verified' => false,
		);
	}

	/**
	 * A basket of nothing, which asks about an account alone.
	 *
	 * @param int $user Id.
	 * @return Basket|null
	 */
	public static function of_account( int $user ): ?Basket {
		$account = self::account( $user );
		return null === $account ? null : new Basket( array( new Line( 'none', 'goods', 0 ) ), get_woocommerce_currency(), Options::get( 'shop' ) ?: null, $account, Options::locale() );
	}

	/**
	 * An account of the shop, as the hub knows it.
	 *
	 * @param int $user Id; 0: nobody is logged in.
	 * @return array|null
	 */
	public static function account( int $user ): ?array {
		$system = Options::system();
		if ( 0 === $user || null === $system ) {
			return null;
		}
		return array(
			'external' => array(
				'system' => $system,
				'id'     => (string) $user,
			),
			'verified' => true,
		);
	}

	/**
	 * The phone as typed, if it has as many digits as a phone may have (E.164).
	 *
	 * @return string|null
	 */
	private static function phone(): ?string {
		$typed  = WC()->customer ? (string) WC()->customer->get_billing_phone() : '';
		$digits = strlen( (string) preg_replace( '/[^0-9]/', '', $typed ) );
		return $digits >= 7 && $digits <= 15 && strlen( $typed ) <= 64 ? $typed : null;
	}

	/**
	 * The rounded tax on a price without tax.
	 *
	 * @param \WC_Cart $cart The cart.
	 * @return callable|null fn( string $key, int $net ): int; null where prices hold tax.
	 */
	public static function tax( \WC_Cart $cart ): ?callable {
		if ( wc_prices_include_tax() ) {
			return null;
		}
		return fn( string $key, int $net ): int => self::tax_on( $cart->get_cart()[ $key ], $net, $cart );
	}

	/**
	 * Id of a line of delivery.
	 *
	 * @param int|string $key Of the package.
	 * @return string
	 */
	public static function shipping_id( $key ): string {
		return 'shipping-' . $key;
	}

	/**
	 * Id of a line of a fee.
	 *
	 * @param int|string $key Of the fee.
	 * @return string
	 */
	public static function fee_id( $key ): string {
		return 'fee-' . $key;
	}

	/**
	 * A line of goods.
	 *
	 * @param string   $key  Of the cart.
	 * @param array    $item Of the cart.
	 * @param int      $off  Kopecks that our coupons took off, in the prices that the shop keeps.
	 * @param \WC_Cart $cart The cart.
	 * @return Line
	 */
	private static function goods( string $key, array $item, int $off, \WC_Cart $cart ): Line {
		$product = $item['data'];
		$net     = null;
		if ( wc_prices_include_tax() ) {
			$amount = Money::of_shop( $item['line_total'] + $item['line_tax'] ) + $off;
		} else {
			$net    = Money::of_shop( $item['line_total'] ) + $off;
			$amount = $net + self::tax_on( $item, $net, $cart );
		}
		$number = (int) ( $item['variation_id'] ?: $item['product_id'] );
		return new Line( $key, 'goods', $amount, self::quantity( $item['quantity'] ), Line::sku( (string) $product->get_sku(), $number ), (string) $product->get_name(), array(), $net );
	}

	/**
	 * A quantity on the wire.
	 *
	 * @param float|int|string $quantity As the cart keeps it.
	 * @return string
	 */
	private static function quantity( $quantity ): string {
		$text = number_format( (float) $quantity, 3, '.', '' );
		return rtrim( rtrim( $text, '0' ), '.' );
	}

	/**
	 * The tax as a line of the cart rounds it.
	 *
	 * What is sold by weight costs parts of a kopeck, which WooCommerce keeps: the tax is that of the
	 * whole price, and with it the line is rounded (10.5.2, `includes/class-wc-cart-totals.php`).
	 *
	 * @param array    $item Of the cart.
	 * @param int      $net  Kopecks.
	 * @param \WC_Cart $cart Whose buyer.
	 * @return int Kopecks; what makes of the price the line with its tax.
	 */
	private static function tax_on( array $item, int $net, \WC_Cart $cart ): int {
		$product = $item['data'];
		$exact   = round( $item['line_total'] * 100, 4 );
		$exact   = $net + $exact - round( $exact );
		$taxes   = array();
		if ( wc_tax_enabled() && $product->is_taxable() && ! $cart->get_customer()->get_is_vat_exempt() ) {
			$rates = \WC_Tax::get_rates( $product->get_tax_class(), $cart->get_customer() );
			$taxes = array_map( fn( $tax ) => wc_round_tax_total( $tax, 0 ), \WC_Tax::calc_tax( $exact, $rates, false ) );
		}
		return (int) round( $exact + array_sum( $taxes ) ) - $net;
	}
}
